// asynchat, in each way of consuming.
import { TerminatorSplitter } from '../../../dist/index.js'
import { FrameScanner } from '../../../dist/framing/index.js'
import { byData, feedOnceAwaited, keep } from '../feed.mjs'

/** The pure core, without a stream. */
export function scanner(name, terminator, options = {}) {
  const run = (input, tally) => {
    scan(keep(new FrameScanner({ terminator, ...options })), input, tally)
  }
  return { name, side: 'ours', frames: 'bytes', run }
}

/** Feeds a scanner and takes every frame. */
export function scan(core, input, tally) {
  for (let i = 0; i < input.length; i += 1) {
    core.write(input.at(i))
    for (let frame = core.read(); frame !== null; frame = core.read()) tally.take(frame)
  }
  core.end()
  for (let frame = core.read(); frame !== null; frame = core.read()) tally.take(frame)
}

/** TerminatorSplitter by 'data'. */
export function splitter(name, terminator, options = {}) {
  return {
    name,
    side: 'ours',
    frames: options.encoding === undefined ? 'bytes' : 'text',
    run: (input, tally, budget) => byData(new TerminatorSplitter(terminator, options), input, tally, budget),
  }
}

/**
 * TerminatorSplitter by `for await`. Here and in peers.mjs each kind of iterator has a loop of its
 * own, as in a program that has one kind: a shared one would be slow for all.
 */
export function splitterForAwait(name, terminator, options = {}) {
  const run = async (input, tally, budget) => {
    const stream = new TerminatorSplitter(terminator, options)
    const fed = feedOnceAwaited(stream, input, budget)
    for await (const frame of keep(stream[Symbol.asyncIterator]())) tally.take(frame)
    await fed
  }
  return { name, side: 'ours', frames: options.encoding === undefined ? 'bytes' : 'text', run }
}

/** TerminatorSplitter by `batches()`. */
export function splitterBatches(name, terminator) {
  const run = async (input, tally, budget) => {
    const stream = new TerminatorSplitter(terminator)
    const fed = feedOnceAwaited(stream, input, budget)
    for await (const batch of keep(stream.batches())) {
      for (const frame of batch) tally.take(frame)
    }
    await fed
  }
  return { name, side: 'ours', frames: 'bytes', run }
}
