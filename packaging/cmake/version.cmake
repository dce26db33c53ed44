# VSOA_COMMIT: the commit this tree was built from, "unknown" outside a git checkout.
find_package(Git QUIET)
set(VSOA_COMMIT "unknown")
if(GIT_FOUND AND EXISTS ${PROJECT_SOURCE_DIR}/.git)
  execute_process(COMMAND ${GIT_EXECUTABLE} -C ${PROJECT_SOURCE_DIR} rev-parse --short=12 HEAD
    OUTPUT_VARIABLE VSOA_COMMIT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE vsoa_git)
  if(NOT vsoa_git EQUAL 0)
    set(VSOA_COMMIT "unknown")
  endif()
  # Configure again when HEAD moves, so that --version tells the truth.
  execute_process(COMMAND ${GIT_EXECUTABLE} -C ${PROJECT_SOURCE_DIR} rev-parse --absolute-git-dir
    OUTPUT_VARIABLE vsoa_git_dir OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(EXISTS ${vsoa_git_dir}/logs/HEAD)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${vsoa_git_dir}/logs/HEAD)
  endif()
endif()
