// The table of keys as the manual page vsoad.yaml(5).
#include "generate.hpp"
#include "schema.hpp"

namespace vsoad::config {

namespace {

constexpr std::string_view example_text = R"(log: { level: info }

work_queues:
  slow: { threads: 2 }

plugins:
  settings:
    camera:
      work_queue: slow
      config: { device: /dev/video0 }

position:
  listen: [ "0.0.0.0:3000", "[::]:3000" ]

services:
  - name: cabin
    listen: "0.0.0.0:3005"
    credentials:
      - { role: operator, password: "${CABIN_PASSWORD:-secret}" }
      - { role: viewer, password: guest }
    plugins: { camera: { mount: /cam }, echo: }
    commands:
      /picture: { plugin: camera, command: /snapshot }
    topics:
      /speed: { relay: true, retain: last, max_rate: 50 }
    limits: { clients: 500, slow_consumer: drop }
    priority: [ { role: operator, level: 7 } ]
)";

constexpr std::string_view head = R"(.SH NAME
vsoad.yaml \- configuration of vsoad
.SH DESCRIPTION
.B vsoad
reads this file, in YAML, when it starts and when it is told to reload, by
.B systemctl reload vsoad
or
.BR vsoactl (1);
what takes a restart is said then.
A key that is not known, a value of the wrong type or out of range, and a file that can't be read are
errors.
.B vsoad \-\-check
prints all of them, each with file, line, column and key;
.B vsoad \-\-print\-config
prints what is in force, with every default that is a value filled in. Masked are passwords, what comes from
a file, and, in the settings of plugins, what comes from a variable and members whose names have password,
passwd, passphrase, secret or token in them, or are key, or end with _key, -key or Key.
.SH VALUES
.TP
.I duration
A whole number and its unit:
.BR 100ms ", " 5s ", " 2m " or " 1h .
.TP
.I size
Bytes, or a whole number and its unit:
.BR 64KiB ", " 4MiB " or " 1GiB .
.TP
.I whole number
Decimal digits, without quotes and without leading zeros.
.TP
.I true or false
These two words only, without quotes.
.TP
.I address and port
.B 127.0.0.1:3005
or
.BR \(dq[::1]:3005\(dq .
0.0.0.0 and [::] stand for all addresses of their family. Host names are not looked up.
.TP
.I name
Up to 64 letters, digits, "_", "\-" and ".", the first a letter or a digit.
.TP
.I URL
Begins with "/". One that ends with "/" stands for all URLs below it.
.TP
.I any YAML
Handed on as JSON. What is in quotes is a string; what is not is null, true, false or a number where it
looks like one. Words and numbers that YAML 1.1 and 1.2 read differently, such as
.BR yes " and " 010 ,
are errors: quote them, or write what is meant.
.SS Variables
.BI ${ NAME }
in a value stands for the environment variable
.IR NAME .
.BI ${ NAME :\- default }
stands for the default if the variable is not set or empty; without a default that is an error. A dollar
sign is written
.BR $$ .
Inside { } and [ ] of YAML, put such a value in quotes; if it is nothing but a variable it may be a number
all the same.
.SS Secrets in files
.BI "!file " PATH
stands for the text in that file, at most 4 KiB, without the line end at its end. The path is relative to
the folder of the file that it is written in.
.B vsoad
warns of a file that every user can read.
)";

constexpr std::string_view tail = R"(.SH FILES
.TP
.I /etc/vsoad.yaml
The configuration, unless
.B \-\-config
names another.
.TP
.I /etc/vsoad.d/*.yaml
Fragments that the installed configuration includes.
.SH SEE ALSO
.BR vsoad (8)
)";

/// Text in which troff sees nothing but text.
std::string escaped(std::string_view text, bool literal) {
  std::string out;
  bool line_begin = true;
  for (const char c : text) {
    if (line_begin && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-' && literal) {
      out += "\\-";
    } else {
      out += c;
    }
    line_begin = c == '\n';
  }
  return out;
}

/// Help as sentences: troff wants each on a line of its own.
std::string sentences(std::string_view help) {
  std::string out = escaped(help, false);
  for (std::size_t at = 0; (at = out.find(". ", at)) != std::string::npos; ++at)
    out[at + 1] = '\n';
  // A sentence may begin with what troff takes for a request.
  for (std::size_t at = 0; (at = out.find("\n.", at)) != std::string::npos; at += 4) {
    out.insert(at + 1, "\\&");
  }
  return out;
}

std::string default_text(const row& r) {
  std::string out;
  for (const std::string& text : r.fallback)
    out += (out.empty() ? "" : ", ") + text;
  return out;
}

/// "Type: size, 256KiB to 1GiB. Default: 4MiB. Example: 1MiB."
std::string facts(const row& r) {
  std::string out = "Type: " + type_text(r.type);
  const std::string range = range_text(r.type);
  if (!range.empty()) out += "; " + range;
  if (r.required) out += "; required";
  if (!r.fallback.empty()) out += ".\nDefault: " + escaped(default_text(r), true);
  if (!r.example.empty()) out += ".\nExample: " + escaped(r.example, true);
  out += ".\n";
  return out;
}

bool has_keys(const schema_node& n) {
  const kind type = n.declared->type.what;
  return type == kind::section || type == kind::list || type == kind::mapping;
}

/// The keys directly below first, then what has keys below it, each under a heading of its own.
void write_keys(const schema_node& parent, std::string& out) {
  for (const schema_node& child : parent.children) {
    if (has_keys(child)) continue;
    const row& r = *child.declared;
    out += ".TP\n.B " + escaped(r.path, true) + '\n' + sentences(r.help) + "\n.br\n" + facts(r);
  }
  for (const schema_node& child : parent.children) {
    if (!has_keys(child)) continue;
    const row& r = *child.declared;
    out += ".SS " + escaped(r.path, true) + '\n' + sentences(r.help) + '\n';
    if (r.type.what == kind::mapping) out += ".br\nType: " + type_text(r.type) + ".\n";
    write_keys(child, out);
  }
}

}  // namespace

std::string_view man_page_example() {
  return example_text;
}

std::string generate_man_page() {
  std::string out =
      ".\\\" Made from the table of keys by vsoad-schema; change daemon/config/schema*.cpp.\n"
      ".TH VSOAD.YAML 5 \"\" \"vsoad\" \"vsoad manual\"\n";
  out += head;
  out += ".SH KEYS\n";
  out +=
      "[] after a key stands for each element of its list, <name> and <url> for a key of your "
      "own.\n";
  write_keys(schema_root(), out);
  out += ".SH EXAMPLE\n.nf\n" + escaped(example_text, true) + ".fi\n";
  out += tail;
  return out;
}

}  // namespace vsoad::config
