# Checks the layers of the sources, include line by include line:
#
#   lib/src   protocol < net < stream < server, position, client; client looks names up by position's public
#             header; util may be used by all and uses none
#   protocol  knows no Asio, no socket, no clock
#   daemon    sees of the library what is installed: vsoa/..., never lib/src
#   plugins   see vsoa/plugin.h and vsoa/plugin.hpp alone
#   public headers  include public headers only, and no Boost, but for vsoa/async.hpp, which is for users of Asio
#
# Run as: cmake -D SOURCE_DIR=<top> -P check_layers.cmake

cmake_minimum_required(VERSION 3.25)
set(faults "")

# check(<folder> <regex of what may not be included> <why>); <> and "" count: <net/if.h> is the system's.
# EXCEPT: files of these names.
function(check folder forbidden why)
  cmake_parse_arguments(arg "" "" "EXCEPT" ${ARGN})
  file(GLOB_RECURSE files ${SOURCE_DIR}/${folder}/*.[ch]pp ${SOURCE_DIR}/${folder}/*.[ch])
  if(NOT files)
    message(FATAL_ERROR "${folder} has no sources: correct this check")
  endif()
  foreach(file IN LISTS files)
    cmake_path(GET file FILENAME filename)
    if(filename IN_LIST arg_EXCEPT)
      continue()
    endif()
    file(STRINGS ${file} lines REGEX "^[ \t]*#[ \t]*include[ \t]*(${forbidden})")
    foreach(line IN LISTS lines)
      cmake_path(RELATIVE_PATH file BASE_DIRECTORY ${SOURCE_DIR} OUTPUT_VARIABLE name)
      list(APPEND faults "${name}: ${line}: ${why}")
    endforeach()
  endforeach()
  set(faults "${faults}" PARENT_SCOPE)
endfunction()

set(sockets "<(boost/asio|sys/socket|sys/epoll|netinet/|poll\\.h|unistd\\.h)")
check(lib/src/protocol "\"(net/|stream/|server/|position/|client/|util/)" "protocol is the lowest layer")
check(lib/src/protocol "${sockets}" "protocol does no I/O")
check(lib/src/protocol "\"(vsoa/(runtime|stream|server|client|work_queue)\\.hpp)" "protocol is the lowest layer")
check(lib/src/net "\"(stream/|server/|position/|client/)" "net is below stream, server, position and client")
check(lib/src/net "\"(vsoa/(stream|server|position|client)\\.hpp)" "net is below stream, server, position and client")
check(lib/src/stream "\"(server/|position/|client/|protocol/)" "stream is above net alone")
check(lib/src/stream "\"(vsoa/(server|position|client)\\.hpp)" "stream is below server and client")
check(lib/src/server "\"(position/|client/)" "server, position and client stand side by side")
check(lib/src/server "\"(vsoa/client\\.hpp)" "server, position and client stand side by side")
check(lib/src/client "\"(server/|position/)" "server, position and client stand side by side")
check(lib/src/client "\"(vsoa/server\\.hpp)" "server, position and client stand side by side")
check(lib/src/position "\"(stream/|server/|client/)" "server, position and client stand side by side")
check(lib/src/position "\"(vsoa/(server|client)\\.hpp)" "server, position and client stand side by side")
check(lib/src/util "\"(protocol/|net/|server/|position/|client/)" "util uses no layer")
check(lib/include/vsoa "\"(protocol/|net/|stream/|server/|position/|client/|util/)" "public headers stand alone")
check(lib/include/vsoa "<(boost/|simdjson|yaml-cpp|spdlog|openssl/)" "public headers name no library but the standard's"
  EXCEPT async.hpp)
check(daemon "\"(protocol/|net/|stream/|server/|position/|client/|util/|lib/|\\.\\./.*lib/)" "the daemon uses public headers of the library")
check(daemon "\"(vsoa/\\.\\./)" "the daemon uses public headers of the library")
check(daemon/plugins "\"(vsoa/[^p]|vsoa/p[^l]|plugin_host/|broker/|config/|control/|vsoad/)" "plugins see the plugin headers alone")
check(daemon/config "\"(broker/|control/|plugin_host/|vsoad/)" "config is the lowest part of the daemon")
check(daemon/control "\"(broker/|plugin_host/|vsoad/)" "control knows the daemon as operations alone")
check(daemon/plugin_host "\"(broker/|control/|vsoad/)" "plugin_host is below broker")
check(daemon/vsoactl "\"(broker/|plugin_host/|vsoad/[^v])" "vsoactl uses config, control, the version and the library")
check(daemon/broker "\"(control/|vsoad/)" "broker is below vsoad")
check(daemon/plugin_host/isolation "\"(plugin_host/child/)" "the daemon uses nothing of the process of an isolated plugin")

if(faults)
  list(JOIN faults "\n  " text)
  message(FATAL_ERROR "includes that point the wrong way:\n  ${text}")
endif()
message(STATUS "every include points the right way")
