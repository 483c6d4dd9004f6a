// Work on several threads. Threads live for one call: nothing survives a fork, nothing waits in the background.
//
//   set_thread_count(n), thread_count()   n >= 1; at the start the number of processors this process may use
//   parallel_for(n, grain, f)             f(begin, end) on consecutive slices of [0, n), none below `grain` elements
//                                         but the only one; returns when all are done
//   parallel_tasks(n, f)                  f(task) for each task in [0, n), taken by whichever thread is free
//
// The first exception that a slice or task throws is thrown to the caller after all threads have ended.
#pragma once
#include <cstddef>
#include <functional>

namespace pyml {

std::size_t thread_count();
void set_thread_count(std::size_t count);  // throws std::invalid_argument unless 1 <= count <= 1024

void parallel_for(std::size_t n, std::size_t grain, const std::function<void(std::size_t, std::size_t)>& work);
void parallel_tasks(std::size_t n, const std::function<void(std::size_t)>& work);

}  // namespace pyml
