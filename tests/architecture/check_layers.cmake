# Checks the layers of the sources, include line by include line:
#
#   lib/src   protocol < net < stream < server; protocol < net < position; util may be used by all and uses none
#   protocol  knows no Asio, no socket, no clock
#   daemon    sees of the library what is installed: vsoa/..., never lib/src
#   plugins   see vsoa/plugin.h and vsoa/plugin.hpp alone
#   public headers  include public headers only, and no Boost
#
# Run as: cmake -D SOURCE_DIR=<top> -P check_layers.cmake

set(faults "")

# check(<folder> <regex of what may not be included> <why>); <> and "" count: <net/if.h> is the system's.
function(check folder forbidden why)
  file(GLOB_RECURSE files ${SOURCE_DIR}/${folder}/*.[ch]pp ${SOURCE_DIR}/${folder}/*.[ch])
  if(NOT files)
    message(FATAL_ERROR "${folder} has no sources: correct this check")
  endif()
  foreach(file IN LISTS files)
    file(STRINGS ${file} lines REGEX "^[ \t]*#[ \t]*include[ \t]*(${forbidden})")
    foreach(line IN LISTS lines)
      cmake_path(RELATIVE_PATH file BASE_DIRECTORY ${SOURCE_DIR} OUTPUT_VARIABLE name)
      list(APPEND faults "${name}: ${line}: ${why}")
    endforeach()
  endforeach()
  set(faults "${faults}" PARENT_SCOPE)
endfunction()

set(sockets "<(boost/asio|sys/socket|sys/epoll|netinet/|poll\\.h|unistd\\.h)")
check(lib/src/protocol "\"(net/|stream/|server/|position/|util/)" "protocol is the lowest layer")
check(lib/src/protocol "${sockets}" "protocol does no I/O")
check(lib/src/protocol "\"(vsoa/(runtime|stream|server|work_queue)\\.hpp)" "protocol is the lowest layer")
check(lib/src/net "\"(stream/|server/|position/)" "net is below stream, server and position")
check(lib/src/net "\"(vsoa/(stream|server|position)\\.hpp)" "net is below stream, server and position")
check(lib/src/stream "\"(server/|position/|protocol/)" "stream is above net alone")
check(lib/src/stream "\"(vsoa/(server|position)\\.hpp)" "stream is below server")
check(lib/src/server "\"(position/)" "server and position stand side by side")
check(lib/src/position "\"(stream/|server/)" "server and position stand side by side")
check(lib/src/position "\"(vsoa/server\\.hpp)" "server and position stand side by side")
check(lib/src/util "\"(protocol/|net/|server/|position/)" "util uses no layer")
check(lib/include/vsoa "\"(protocol/|net/|stream/|server/|position/|util/)" "public headers stand alone")
check(lib/include/vsoa "<(boost/|simdjson|yaml-cpp|spdlog|openssl/)" "public headers name no library but the standard's")
check(daemon "\"(protocol/|net/|stream/|server/|position/|util/|lib/|\\.\\./.*lib/)" "the daemon uses public headers of the library")
check(daemon "\"(vsoa/\\.\\./)" "the daemon uses public headers of the library")
check(daemon/plugins "\"(vsoa/[^p]|vsoa/p[^l]|plugin_host/|broker/|config/|vsoad/)" "plugins see the plugin headers alone")
check(daemon/config "\"(broker/|plugin_host/|vsoad/)" "config is the lowest part of the daemon")
check(daemon/plugin_host "\"(broker/|vsoad/)" "plugin_host is below broker")
check(daemon/broker "\"(vsoad/)" "broker is below vsoad")

if(faults)
  list(JOIN faults "\n  " text)
  message(FATAL_ERROR "includes that point the wrong way:\n  ${text}")
endif()
message(STATUS "every include points the right way")
