# Language level, warnings, hardening and sanitizers, for every target of the project.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
include(CheckLinkerFlag)
include(CheckPIESupported)
check_pie_supported()

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()
# -O0: sanitized code takes half the time to compile that it takes at -O1, and runs fast enough, but for
# fuzzing by the hour. Not in the cache: CMake puts empty flags there for every build type that it does not know.
set(VSOA_SANITIZE_LEVEL 0 CACHE STRING "Optimisation of sanitized code: 0 compiles fast, 1 runs fast")
foreach(language C CXX)
  set(CMAKE_${language}_FLAGS_SANITIZE "-O${VSOA_SANITIZE_LEVEL} -g1 -fno-omit-frame-pointer")
endforeach()

add_compile_options(-Wall -Wextra -Wpedantic -Werror -Wshadow -Wcast-qual
  -Wconversion -Wno-sign-conversion -Wformat=2 -Wundef)
add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # Of this release it is a false alarm in std::string's assignment of a literal.
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict>)
endif()

if(VSOA_SANITIZE)
  add_compile_options(-fsanitize=${VSOA_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${VSOA_SANITIZE})
  if(VSOA_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Fences, which this sanitizer does not see, are in Asio beside its locks; nothing relies on them.
    add_compile_options(-Wno-tsan)
  endif()
else()
  add_compile_options(-fstack-protector-strong -fstack-clash-protection)
  if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
    add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
  endif()
  add_link_options(-Wl,-z,relro,-z,now)
  # What nothing calls is not linked: of Asio, which is compiled whole, and of the library's archive.
  add_compile_options(-ffunction-sections -fdata-sections)
  add_link_options(-Wl,--gc-sections)
  # A tenth of the size for what the loader must adjust.
  check_linker_flag(CXX -Wl,-z,pack-relative-relocs VSOA_PACKS_RELOCATIONS)
  if(VSOA_PACKS_RELOCATIONS)
    add_link_options(-Wl,-z,pack-relative-relocs)
  endif()
endif()

# For code that is not in the way of packets, and had better be small.
set(VSOA_COMPACT $<$<CONFIG:RelWithDebInfo,Release>:-Os>)

if(CMAKE_UNITY_BUILD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # To gcc, a unity source is a header: types of its anonymous namespaces might be seen elsewhere.
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Wno-subobject-linkage>)
endif()

# vsoa_fuzzed(<target> ...): what the fuzz targets try, so that a fuzzer is told which branches it has reached.
# Not everything: it is a third of the time that sanitized code takes to compile.
function(vsoa_fuzzed)
  if(VSOA_LIBFUZZER)
    foreach(target ${ARGN})
      target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
    endforeach()
  endif()
endfunction()

find_program(VSOA_CCACHE ccache)
if(VSOA_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${VSOA_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${VSOA_CCACHE})
endif()
find_program(VSOA_LLD NAMES ld.lld ld.lld-14)
if(VSOA_LLD AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_link_options(-fuse-ld=lld)
endif()
