# Tests, examples and benchmarks: one short call each.

if(HEADRACE_BUILD_TESTS)
  enable_testing()
  find_package(GTest REQUIRED)
  include(GoogleTest)
endif()
if(HEADRACE_BUILD_BENCH)
  find_package(benchmark REQUIRED)
endif()

set(HEADRACE_TEST_TIMEOUT 120)  # seconds

# All tests of a module, in the program headrace_<module>_test. Those of suites named ..OnGpu, in
# sources .._on_gpu_test.cc, have the label gpu and no other; they skip themselves where there is no GPU.
#
#   headrace_add_test(module SOURCES a_test.cc .. LINKS ..)
function(headrace_add_test module)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINKS")
  if(NOT arg_SOURCES)
    return()
  endif()
  set(target headrace_${module}_test)
  add_executable(${target} ${arg_SOURCES})
  target_link_libraries(${target} PRIVATE ${arg_LINKS} GTest::gmock_main headrace_options)
  if(TARGET headrace::${module})
    target_link_libraries(${target} PRIVATE headrace::${module})
  endif()
  set(discovery
    TEST_PREFIX "${module}."
    DISCOVERY_MODE PRE_TEST
    DISCOVERY_TIMEOUT 60
    NO_PRETTY_VALUES
    PROPERTIES TIMEOUT ${HEADRACE_TEST_TIMEOUT})
  if(arg_SOURCES MATCHES "_on_gpu_test.cc")
    gtest_discover_tests(${target} TEST_FILTER "-*OnGpu.*" TEST_LIST ${target}_cpu_tests ${discovery}
      LABELS "${module}")
    gtest_discover_tests(${target} TEST_FILTER "*OnGpu.*" TEST_LIST ${target}_gpu_tests ${discovery}
      LABELS gpu)
  else()
    gtest_discover_tests(${target} ${discovery} LABELS "${module}")
  endif()
endfunction()

# A source that must not compile, and the error that the compiler must give.
#
#   headrace_add_compile_fail_test(name SOURCE a.cc LINKS .. EXPECT "regular expression")
function(headrace_add_compile_fail_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "SOURCE;EXPECT" "LINKS")
  set(target headrace_compile_fail_${name})
  add_library(${target} OBJECT EXCLUDE_FROM_ALL ${arg_SOURCE})
  target_link_libraries(${target} PRIVATE ${arg_LINKS})
  set(test compile_fail.${name})
  add_test(NAME ${test}
    COMMAND "${CMAKE_COMMAND}" --build "${CMAKE_BINARY_DIR}" --target ${target} --config $<CONFIG>)
  set_tests_properties(${test} PROPERTIES
    PASS_REGULAR_EXPRESSION "error: [^\n]*${arg_EXPECT}"
    RESOURCE_LOCK headrace_build_tree  # one build at a time in one tree
    TIMEOUT ${HEADRACE_TEST_TIMEOUT}
    LABELS compile_fail)
endfunction()

# An example: the program example_<name> of <name>.cc, run as a test.
#
#   headrace_add_example(name LINKS .. ARGUMENTS ..)
function(headrace_add_example name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LINKS;ARGUMENTS")
  set(target example_${name})
  add_executable(${target} ${name}.cc)
  target_link_libraries(${target} PRIVATE ${arg_LINKS} headrace_options)
  if(HEADRACE_BUILD_TESTS)
    add_test(NAME example.${name} COMMAND ${target} ${arg_ARGUMENTS})
    set_tests_properties(example.${name} PROPERTIES TIMEOUT ${HEADRACE_TEST_TIMEOUT} LABELS example)
  endif()
endfunction()

# All benchmarks of a module, in the program headrace_<module>_bench. Each runs once as a test, so
# that none rots.
#
#   headrace_add_benchmark(module SOURCES a_bench.cc .. LINKS ..)
function(headrace_add_benchmark module)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINKS")
  if(NOT arg_SOURCES)
    return()
  endif()
  set(target headrace_${module}_bench)
  add_executable(${target} ${arg_SOURCES})
  target_link_libraries(${target} PRIVATE ${arg_LINKS} benchmark::benchmark_main headrace_options)
  if(TARGET headrace::${module})
    target_link_libraries(${target} PRIVATE headrace::${module})
  endif()
  if(HEADRACE_BUILD_TESTS)
    add_test(NAME bench.${module} COMMAND ${target} --benchmark_min_time=0)
    set_tests_properties(bench.${module} PROPERTIES TIMEOUT ${HEADRACE_TEST_TIMEOUT} LABELS bench)
  endif()
endfunction()
