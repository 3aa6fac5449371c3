/** The end of input at every byte: an error or silence, and the messages that are whole; never another one. */
import { checkConduct, checkDelivered, codeOf, failWith, place } from './check-trace.js'
import { type Positions, randomFrom, singleBytes } from './cuts.js'
import { type Failure, drive } from './drive.js'
import { chunksOf } from './guarded-chunks.js'
import type { Samples } from './samples.js'
import { shown } from './shown.js'
import type { Subject } from './subject.js'
import { VerificationError } from './verification-error.js'

/** Up to this length the input is cut off at every byte, else at this many of them. */
const MAX_TRUNCATIONS = 1024

export interface Truncations {
  readonly tried: number
  /** Ends inside a message that were no error: the rest was dropped. */
  readonly silent: number
}

export function checkTruncations<In, Out>(
  subject: Subject<In, Out>,
  samples: Samples<In, Out>,
  ends: readonly number[] | null,
): Truncations {
  let tried = 0
  let silent = 0
  for (const length of lengthsOf(samples.bytes.length, samples.seed)) {
    const whole = truncate(subject, samples, ends, length, [])
    const single = truncate(subject, samples, ends, length, singleBytes(length))
    if (outcomeOf(whole) !== outcomeOf(single)) {
      const what = `the end of input after ${length} bytes gives ${outcomeOf(single)} for single bytes, ${outcomeOf(whole)} for one chunk`
      throw new VerificationError({ check: 'truncation', what, chunks: [samples.bytes.subarray(0, length)] })
    }
    tried++
    if (whole === null && length > 0 && ends?.includes(length) === false) silent++
  }
  return { tried, silent }
}

function truncate<In, Out>(
  subject: Subject<In, Out>,
  samples: Samples<In, Out>,
  ends: readonly number[] | null,
  length: number,
  positions: Positions,
): Failure | null {
  const bytes = samples.bytes.subarray(0, length)
  const fed = chunksOf(bytes, positions)
  const expected = ends === null ? samples.messages : wholeMessages(samples, ends, bytes)
  const trace = drive(subject.decoder(), fed.chunks, { expected, merge: samples.merge })
  const fail = failWith(fed.unwritten)
  checkConduct(trace, fed, fail)
  // How far the last one had come, nobody knows.
  if (ends === null || endsInTail(samples, ends, bytes))
    trace.messages.splice(Math.max(0, ends === null ? trace.messages.length - 1 : expected.length))
  const cut = `the input ends after ${length} bytes`
  for (const [index, received] of trace.messages.entries()) {
    if (index >= expected.length)
      fail({
        check: 'truncation',
        what: `${cut}, and message ${index} is delivered ${place(trace.at[index] as number)} although it is not whole`,
        received,
      })
    if (trace.wasRight[index] !== true)
      fail({ check: 'truncation', what: `${cut}, and message ${index} is wrong`, expected: expected[index], received })
  }
  checkDelivered(trace, expected, fail)
  if (ends !== null && trace.messages.length < expected.length) {
    const missing = trace.messages.length
    fail({
      check: 'truncation',
      what: `${cut}, and message ${missing} never comes although it is whole`,
      expected: expected[missing],
    })
  }
  return trace.failure
}

function wholeMessages<In, Out>(
  { messages, cutMessage }: Samples<In, Out>,
  ends: readonly number[],
  bytes: Uint8Array,
): readonly In[] {
  const whole = messages.slice(0, countOf(ends, bytes))
  const rest = bytes.subarray(ends[whole.length - 1] ?? 0)
  const cut = rest.length === 0 ? undefined : cutMessage?.(rest)
  return cut === undefined ? whole : [...whole, cut]
}

/** Inside a message that the end of input ends, of which nothing is known but its whole. */
function endsInTail<In, Out>({ cutMessage }: Samples<In, Out>, ends: readonly number[], bytes: Uint8Array): boolean {
  return cutMessage === undefined && ends[countOf(ends, bytes)] === Infinity
}

function countOf(ends: readonly number[], bytes: Uint8Array): number {
  return ends.filter((end) => end <= bytes.length).length
}

function outcomeOf(failure: Failure | null): string {
  return failure === null ? 'no error' : shown(codeOf(failure.error))
}

function lengthsOf(length: number, seed: number): Iterable<number> {
  if (length <= MAX_TRUNCATIONS) return Array.from({ length }).keys()
  const random = randomFrom(seed)
  return Array.from({ length: MAX_TRUNCATIONS }, () => Math.floor(random() * length))
}
