#include "headrace/pipeline/chunk_filler.h"

#include <utility>

namespace headrace {

ChunkFiller::ChunkFiller(const Sequence& sequence, const StreamLayout& layout,
                         std::vector<BatchJob>& jobs, const LoaderOptions& options, Owner& owner,
                         const std::atomic<bool>& stop)
    : sequence_(sequence),
      reader_(reads_ahead(options, sequence) ? sequence.reader() : nullptr),
      layout_(layout),
      jobs_(jobs),
      owner_(owner) {
  if (reader_ == nullptr) return;
  const std::int64_t most_chunks = layout.chunks_of(layout.most_rows());
  for (BatchJob& job : jobs_) {
    job.loads = std::vector<BatchJob::Load>(static_cast<std::size_t>(most_chunks));
  }
  reads_.emplace(*reader_, options.io_threads, options.read_ahead_bytes,
                 static_cast<ReadPool::Client&>(*this), stop);
}

ChunkFiller::~ChunkFiller() {
  stop();
  for (BatchJob& job : jobs_) job.loads.clear();  // what was read and not used is the pool's
}

bool ChunkFiller::reads_ahead(const LoaderOptions& options, const Sequence& sequence) {
  return options.io_threads > 0 && sequence.reader() != nullptr;
}

bool ChunkFiller::fill(BatchJob& job, Chunk chunk) {
  const Span rows = job.rows_of(chunk);
  if (reads_) {
    reads_->advance(job.generation, {job.begin, rows.first + rows.count});
    job.loads[chunk.index].filled = 0;
    return fill_or_read(job, chunk, rows);
  }
  for (std::int64_t filled = 0; filled < rows.count;) {
    const std::int64_t row = rows.first + filled;
    const Span run = job.samples_of({row, rows.count - filled});
    sequence_.fill(job.begin.epoch, run.first, job.rows().part(row, run.count));
    filled += run.count;
  }
  return true;
}

bool ChunkFiller::fill_or_read(BatchJob& job, Chunk chunk, Span rows) {
  BatchJob::Load& load = job.loads[chunk.index];
  while (load.filled < rows.count) {
    const std::int64_t row = rows.first + load.filled;
    const Span run = job.samples_of({row, rows.count - load.filled});
    const std::int64_t filled =
        reader_->fill_ready(job.begin.epoch, run.first, job.rows().part(row, run.count));
    load.filled += filled;
    if (filled == run.count) continue;
    const ReadPool::Task task{
        {job.begin, row + filled}, chunk.job,         chunk.index, job.generation,
        run.first + filled,        run.count - filled};
    reads_->read(task);
    return false;
  }
  return true;
}

ReadPool::Result ChunkFiller::take_read(BatchJob& job, Chunk chunk) {
  return std::exchange(job.loads[chunk.index].result, {});
}

bool ChunkFiller::refill(BatchJob& job, Chunk chunk, const ReadPool::Result& read) {
  if (read.error != nullptr) std::rethrow_exception(read.error);
  BatchJob::Load& load = job.loads[chunk.index];
  const Span rows = job.rows_of(chunk);
  const std::int64_t row = rows.first + load.filled;
  const Span run = job.samples_of({row, rows.count - load.filled});
  const Rows part = job.rows().part(row, run.count);
  if (read.samples == nullptr) {
    sequence_.fill(job.begin.epoch, run.first, part);
  } else {
    reader_->fill_loaded(job.begin.epoch, run.first, part, *read.samples);
  }
  load.filled += run.count;
  return fill_or_read(job, chunk, rows);
}

void ChunkFiller::restart(std::uint64_t generation) {
  if (reads_) reads_->restart(generation);
}

void ChunkFiller::stop() {
  if (reads_) reads_->stop();
}

ReadPool::Stats ChunkFiller::stats() const { return reads_ ? reads_->stats() : ReadPool::Stats{}; }

// --- What the threads ask that read ---

bool ChunkFiller::is_wanted(const ReadPool::Task& task) const noexcept {
  return owner_.is_wanted(task.generation);
}

void ChunkFiller::take(const ReadPool::Task& task, ReadPool::Result result) noexcept {
  jobs_[task.job].loads[task.chunk].result = std::move(result);
  owner_.chunk_is_here({task.job, task.chunk});
}

ReadPool::Piece ChunkFiller::piece_at(ReadPool::Place place) const noexcept {
  return layout_.piece_at(place);
}

}  // namespace headrace
