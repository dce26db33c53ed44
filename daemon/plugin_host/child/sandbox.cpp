#include "plugin_host/child/sandbox.hpp"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <iterator>
#include <system_error>
#include <vector>

#include "plugin_host/isolation/sanitized.hpp"

namespace vsoad::isolation {
namespace {

std::string failure(const char* doing) {
  return std::string(doing) + ": " + std::generic_category().message(errno);
}

// --- system calls ---

#if defined(__x86_64__)
constexpr std::uint32_t machine = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t machine = AUDIT_ARCH_AARCH64;
#elif defined(__riscv) && __riscv_xlen == 64
constexpr std::uint32_t machine = AUDIT_ARCH_RISCV64;
#else
constexpr std::uint32_t machine = 0;  // not known: no filter
#endif

// What no plugin needs and what would reach beyond its process: other processes' memory, mounts and
// namespaces, the kernel's code and keys, the clock.
constexpr std::uint32_t refused_calls[] = {
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_kcmp,
    SYS_pidfd_getfd,
    SYS_pidfd_send_signal,
    SYS_tkill,
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_open_tree,
    SYS_move_mount,
    SYS_fsopen,
    SYS_fsconfig,
    SYS_fsmount,
    SYS_fspick,
    SYS_setns,
    SYS_unshare,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_kexec_load,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_userfaultfd,
    SYS_keyctl,
    SYS_add_key,
    SYS_request_key,
    SYS_swapon,
    SYS_swapoff,
    SYS_reboot,
    SYS_acct,
    SYS_quotactl,
    SYS_settimeofday,
    SYS_clock_settime,
    SYS_clock_adjtime,
    SYS_adjtimex,
    SYS_sethostname,
    SYS_setdomainname,
    SYS_open_by_handle_at,

    SYS_syslog,
    SYS_vhangup,
#ifdef SYS_kexec_file_load
    SYS_kexec_file_load,
#endif
#ifdef SYS_iopl
    SYS_iopl,
    SYS_ioperm,
#endif
#ifdef SYS_mount_setattr
    SYS_mount_setattr,
#endif
};

// Whose first argument is a process: only this one may be. The daemon can't be excepted, as each of
// its threads has a number that stands for it, too, and it may be in any group.
constexpr std::uint32_t aimed_calls[] = {SYS_kill, SYS_rt_sigqueueinfo, SYS_tgkill,
                                         SYS_rt_tgsigqueueinfo};

constexpr sock_filter refuse() {
  return BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
}
constexpr sock_filter load(std::size_t offset) {
  return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset));
}

std::vector<sock_filter> make_filter() {
  const auto self = static_cast<std::uint32_t>(::getpid());
  std::vector<sock_filter> code;
  const auto add = [&code](sock_filter f) { code.push_back(f); };
  const auto refuse_if_equal = [&](std::uint32_t value) {
    add(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1));
    add(refuse());
  };
  // Of another machine's numbers (32 bits on 64) nothing would be known.
  add(load(offsetof(seccomp_data, arch)));
  add(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, machine, 1, 0));
  add(refuse());
  add(load(offsetof(seccomp_data, nr)));
#if defined(__x86_64__)
  constexpr std::uint32_t x32_bit = 0x40000000;
  add(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, x32_bit, 0, 1));
  add(refuse());
#endif
  for (const std::uint32_t call : refused_calls)
    refuse_if_equal(call);
  for (const std::uint32_t call : aimed_calls) {
    // Four statements follow for this call, which the others jump over.
    add(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 4));
    add(load(offsetof(seccomp_data, args)));  // its low half: little end first, as all of these
    add(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, self, 1, 0));
    add(refuse());
    add(load(offsetof(seccomp_data, nr)));
  }
  // The limits of this process alone, which is also number 0.
  add(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prlimit64, 0, 4));
  add(load(offsetof(seccomp_data, args)));
  add(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 2, 0));
  add(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, self, 1, 0));
  add(refuse());
  add(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  return code;
}

std::string filter_system_calls() {
  if constexpr (machine == 0) return {};
  std::vector<sock_filter> code = make_filter();
  sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
  // A kernel without filters runs the plugin all the same.
  if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0 && errno != EINVAL) {
    return failure("seccomp");
  }
  return {};
}

// --- limits ---

bool lower(int which, std::uint64_t to) {
  rlimit now{};
  if (::getrlimit(static_cast<__rlimit_resource>(which), &now) != 0) return false;
  const rlim_t most = now.rlim_max == RLIM_INFINITY ? to : std::min<rlim_t>(now.rlim_max, to);
  const rlimit wanted{most, most};
  return ::setrlimit(static_cast<__rlimit_resource>(which), &wanted) == 0;
}

// The daemon measures what is really used, now and then. This is for who is faster than that; what
// is reserved and not used must not count much.
constexpr std::uint64_t memory_slack_bytes = std::uint64_t{128} << 20;

std::string set_limits(const sandbox_limits& limits) {
  const bool is_limited = limits.memory != 0 && !is_sanitized;
  if (is_limited && !lower(RLIMIT_DATA, 2 * limits.memory + memory_slack_bytes)) {
    return failure("limit of memory");
  }
  if (limits.files != 0 && !lower(RLIMIT_NOFILE, limits.files)) return failure("limit of files");
  (void)lower(RLIMIT_CORE, 0);  // it would hold what clients have sent
  return {};
}

// Of all of us the plugin is to go first when memory runs out. More is always allowed.
void offer_to_the_oom_killer() {
  const int fd = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  (void)!::write(fd, "500", 3);
  ::close(fd);
}

}  // namespace

std::string enter_sandbox(const sandbox_limits& limits) {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return failure("PR_SET_PDEATHSIG");
  // It may have died before; then its sockets are at their end, which is seen.
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failure("PR_SET_NO_NEW_PRIVS");
  offer_to_the_oom_killer();
  if (auto problem = set_limits(limits); !problem.empty()) return problem;
  return filter_system_calls();
}

}  // namespace vsoad::isolation
