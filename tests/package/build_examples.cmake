# Installs libvsoa into an empty directory, moves that elsewhere, and builds the examples there as their
# readers do, by find_package and by pkg-config, on the shared library and on the archive.
#   -D BUILD=<build tree> -D OUT=<scratch> -D LIBDIR=<lib> -D DATADIR=<share> -D CXX=<compiler>
set(prefix ${OUT}/moved)
file(REMOVE_RECURSE ${OUT})
file(MAKE_DIRECTORY ${OUT}/pkg-config)

function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output
    OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(NOT result EQUAL 0)
    list(JOIN ARGV " " line)
    message(FATAL_ERROR "${line}\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

foreach(component headers runtime development)
  run(${CMAKE_COMMAND} --install ${BUILD}/lib --prefix ${OUT}/installed --component ${component})
endforeach()
file(RENAME ${OUT}/installed ${prefix})
set(library ${prefix}/${LIBDIR}/libvsoa.so)

# --- what the shared library shows of itself
run(readelf -d ${library})
if(NOT output MATCHES "soname: \\[libvsoa\\.so\\.1\\]")
  message(FATAL_ERROR "the soname is not libvsoa.so.1:\n${output}")
endif()
run(nm -DC --defined-only ${library})
string(REPLACE ";" "," output "${output}")
string(REPLACE "\n" ";" symbols "${output}")
set(count 0)
foreach(symbol IN LISTS symbols)
  math(EXPR count "${count} + 1")
  if(NOT symbol MATCHES "^[0-9a-f]+ . ((vtable|typeinfo|typeinfo name) for )?vsoa::[a-z_]+" OR
     symbol MATCHES "^[0-9a-f]+ . [^(]*(::impl|::state|vsoa::(net|protocol|position|server_impl|client_impl|stream_impl)::)")
    message(SEND_ERROR "exported, and not of the API: ${symbol}")
  endif()
endforeach()
if(count LESS 50)
  message(FATAL_ERROR "only ${count} symbols are exported")
endif()

# --- by CMake
set(examples ${prefix}/${DATADIR}/doc/vsoa/examples)
foreach(static OFF ON)
  run(${CMAKE_COMMAND} -S ${examples} -B ${OUT}/cmake-static-${static} -G Ninja -D CMAKE_PREFIX_PATH=${prefix}
    -D VSOA_EXAMPLES_STATIC=${static} -D CMAKE_CXX_COMPILER=${CXX} -D CMAKE_BUILD_TYPE=Debug)
  run(${CMAKE_COMMAND} --build ${OUT}/cmake-static-${static})
endforeach()

# --- by pkg-config
set(ENV{PKG_CONFIG_PATH} ${prefix}/${LIBDIR}/pkgconfig)
run(pkg-config --cflags vsoa)
separate_arguments(cflags UNIX_COMMAND "${output}")
run(pkg-config --libs vsoa)
separate_arguments(libs UNIX_COMMAND "${output}")
run(pkg-config --static --libs vsoa)
string(REGEX REPLACE "-lvsoa( |$)" "-l:libvsoa.a\\1" output "${output}")
separate_arguments(static_libs UNIX_COMMAND "${output}")
foreach(example server robot position)
  set(object ${OUT}/pkg-config/${example}.o)
  run(${CXX} -std=c++20 -Wall -Wextra -Werror ${cflags} -c ${examples}/${example}.cpp -o ${object})
  run(${CXX} ${object} ${libs} -Wl,-rpath,${prefix}/${LIBDIR} -o ${OUT}/pkg-config/example_${example})
  run(${CXX} ${object} ${static_libs} -o ${OUT}/pkg-config/static_${example})
endforeach()

# --- and what they then need
foreach(program pkg-config/example_server cmake-static-OFF/example_server)
  run(readelf -d ${OUT}/${program})
  if(NOT output MATCHES "libvsoa\\.so\\.1")
    message(FATAL_ERROR "${program} does not use the shared library")
  endif()
endforeach()
foreach(program pkg-config/static_server cmake-static-ON/example_server)
  run(readelf -d ${OUT}/${program})
  if(output MATCHES "libvsoa")
    message(FATAL_ERROR "${program} uses the shared library")
  endif()
endforeach()
