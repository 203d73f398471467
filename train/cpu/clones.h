#pragma once

// Marks a function that is compiled for several instruction sets, the best one chosen when the
// program starts. Sources are built without fused multiply-add, so all give the same values.
// Sanitizers' runtimes are not up yet when the choice is made.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HEADRACE_CLONES
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__x86_64__)
#define HEADRACE_CLONES
#endif
#ifndef HEADRACE_CLONES
#define HEADRACE_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#endif
