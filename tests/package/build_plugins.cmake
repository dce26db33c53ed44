# Installs the headers into an empty directory and builds plugins against them and nothing else, with a
# plain compiler command, as their authors do. Run by ctest before package_plugin_test.
#   -D BUILD=<build tree> -D SOURCE=<this folder> -D OUT=<scratch> -D CC=... -D CXX=...
set(prefix ${OUT}/installed)
set(plugins ${OUT}/plugins)
file(REMOVE_RECURSE ${OUT})
file(MAKE_DIRECTORY ${plugins})

function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    list(JOIN ARGV " " line)
    message(FATAL_ERROR "${line}\n${output}")
  endif()
endfunction()

run(${CMAKE_COMMAND} --install ${BUILD}/lib --prefix ${prefix} --component headers)

set(flags -shared -fPIC -O2 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -I ${prefix}/include)
run(${CC} -std=c99 ${flags} -o ${plugins}/greeter-c.so ${SOURCE}/plugins/greeter-c.c)
foreach(standard 17 20)
  run(${CXX} -std=c++${standard} ${flags} -DPLUGIN_NAME=\"greeter-cxx${standard}\"
    -o ${plugins}/greeter-cxx${standard}.so ${SOURCE}/plugins/greeter.cpp)
endforeach()
file(CHMOD ${plugins}/greeter-c.so ${plugins}/greeter-cxx17.so ${plugins}/greeter-cxx20.so PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
