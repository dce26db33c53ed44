// Whether this build is watched by a sanitizer: those reserve more memory than a limit of memory
// allows, and trace their own process. Each compiler says so in its own way.
#pragma once

namespace vsoad::isolation {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool is_sanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool is_sanitized = true;
#else
inline constexpr bool is_sanitized = false;
#endif
#else
inline constexpr bool is_sanitized = false;
#endif

}  // namespace vsoad::isolation
