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

# The examples of the guide are code like any other: they are built, and asked.
file(READ ${SOURCE}/../../daemon/plugin_host/README.md guide)
function(extract language target)
  string(FIND "${guide}" "```${language}\n" begin)
  string(LENGTH "```${language}\n" mark)
  math(EXPR begin "${begin} + ${mark}")
  string(SUBSTRING "${guide}" ${begin} -1 code)
  string(FIND "${code}" "\n```" length)
  string(SUBSTRING "${code}" 0 ${length} code)
  file(WRITE ${target} "${code}\n")
endfunction()
extract(cpp ${OUT}/greeter.cpp)
extract(c ${OUT}/greeter.c)

set(flags -shared -fPIC -O2 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -I ${prefix}/include)
function(plugin compiler standard source target)
  file(MAKE_DIRECTORY ${plugins}/${standard})
  run(${compiler} -std=${standard} ${flags} -o ${plugins}/${standard}/${target}.so ${source})
  file(CHMOD ${plugins}/${standard}/${target}.so PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
endfunction()
plugin(${CC} c99 ${OUT}/greeter.c greeter)
plugin(${CC} c99 ${SOURCE}/plugins/later.c later)
plugin(${CXX} c++17 ${OUT}/greeter.cpp greeter)
plugin(${CXX} c++20 ${OUT}/greeter.cpp greeter)
