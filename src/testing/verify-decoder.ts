import type { MessageScannerOptions } from '../framing/message-scanner.js'
import { checkAllocation, checkCost } from './check-cost.js'
import { checkMalformed } from './check-malformed.js'
import { checkRefusals, checkRoundTrips, encodedEnds } from './check-round-trips.js'
import { type Wanted, checkTrace } from './check-trace.js'
import { checkTruncations } from './check-truncations.js'
import { type Positions, manyCuts, randomFrom, singleBytes } from './cuts.js'
import { type Pace, type Trace, drive } from './drive.js'
import { type GuardedChunks, chunksOf } from './guarded-chunks.js'
import { type Samples, type VerifyOptions, checkSamples } from './samples.js'
import { type DecoderSource, Subject } from './subject.js'

/** What was tried, and found right. */
export interface Verified {
  /** Ways in which `bytes` was cut; each was read in three ways. */
  readonly cuts: number
  /** Ways in which `malformed` was cut, all inputs together. */
  readonly malformed: number
  /** Bytes after which the input ended. */
  readonly truncations: number
  /** Of these, how many were inside a message and no error: the rest was dropped without a word. */
  readonly silentTruncations: number
  /** Inputs that declare more than they bring. */
  readonly declared: number
  /** Messages, and all together, that were encoded and decoded again. */
  readonly roundTrips: number
  /** Messages that the encoder refused. */
  readonly refusals: number
  /** Bytes worked on for each byte of input, at the worst; null: the decoder does nothing that can be counted. */
  readonly costPerByte: number | null
}

const PACES: readonly Pace[] = ['eager', 'lazy', 're-entrant', 'unread']

/**
 * Proves a decoder: the same messages, at the same byte, and the same errors, however the input is cut.
 *
 * The source is a codec, or a function that makes a codec or a decoder `{ write, read, end }` for each run. It is fed
 * whole, in single bytes, with empty chunks, in every cut (up to 12 bytes) or every cut in two and many random ones
 * (the same each time), with other bytes around each chunk; read as soon as possible, at the end, and while it is
 * written. Then what is malformed, the end of input at each byte, lengths that nothing follows, inputs of four times
 * the length, and what encoding gives. While cost and memory are counted, a few of the platform's functions are
 * replaced, and put back before anything else can run.
 *
 * Resolves with what was tried. Rejects with a {@link VerificationError} that says which cut broke what; with a
 * `TypeError` or `RangeError` for wrong options. What never returns cannot be stopped: run it where your runner has a
 * time limit.
 *
 * @example
 * ```ts
 * import { type Codec, expectBytes, parseLength } from 'asynchat/framing'
 * import { verifyDecoder } from 'asynchat/testing'
 *
 * const netstring: Codec<Uint8Array> = {
 *   *decode() {
 *     const body = yield parseLength(yield { until: ':', maxFrameLength: 7 })
 *     expectBytes(yield 1, ',')
 *     return body
 *   },
 *   encode: (body) => [`${body.length}:`, body, ','],
 * }
 * const { cuts, truncations } = await verifyDecoder(netstring, {
 *   bytes: Buffer.from('2:hi,0:,'),
 *   messages: [Buffer.from('hi'), Buffer.from('')],
 *   malformed: ['02:hi,', '+2:hi,', '2:hi;', 'x:'],
 *   declared: ['8000000:'],
 * })
 * console.log(cuts, truncations)
 * ```
 * ```text
 * 129 8
 * ```
 */
export async function verifyDecoder<In, Out = In>(
  source: DecoderSource<In, Out>,
  options: VerifyOptions<In, Out>,
): Promise<Verified> {
  const samples = checkSamples(options)
  const subject = new Subject(source, options.limits ?? NO_LIMITS)
  const ends = samples.merge === undefined ? await endsOf(subject, samples) : null
  const cuts = checkCuts(subject, samples, ends)
  const malformed = checkMalformed(subject, samples)
  const { tried, silent } = checkTruncations(subject, samples, ends)
  checkAllocation(subject, samples)
  const roundTrips = await checkRoundTrips(subject, samples)
  const refusals = checkRefusals(subject, samples)
  const costPerByte = await checkCost(subject, samples)
  return {
    cuts,
    malformed,
    truncations: tried,
    silentTruncations: silent,
    declared: samples.declared.length,
    roundTrips,
    refusals,
    costPerByte,
  }
}

const NO_LIMITS: MessageScannerOptions = {}

function checkCuts<In, Out>(subject: Subject<In, Out>, samples: Samples<In, Out>, ends: Wanted<In>['ends']): number {
  let tried = 0
  for (const positions of manyCuts(samples.bytes.length, samples.randomCuts, randomFrom(samples.seed))) {
    for (const pace of PACES) {
      const { trace, fed } = feed(subject, samples, positions, pace)
      checkTrace(trace, fed, { messages: samples.messages, ends }, pace)
    }
    tried++
  }
  return tried
}

function feed<In, Out>(
  subject: Subject<In, Out>,
  { bytes, messages, merge }: Samples<In, Out>,
  positions: Positions,
  pace: Pace,
): { trace: Trace<In>; fed: GuardedChunks } {
  const fed = chunksOf(bytes, positions)
  return { trace: drive(subject.decoder(), fed.chunks, { expected: messages, pace, merge }), fed }
}

/** As said; else as encoding has them; else as the decoder itself, fed single bytes, but for the last. */
async function endsOf<In, Out>(subject: Subject<In, Out>, samples: Samples<In, Out>): Promise<readonly number[]> {
  const { bytes, messages } = samples
  const said = samples.ends ?? (await encodedEnds(subject, samples))
  if (said !== null) return said
  let at: readonly number[] = []
  // Whole first: if that fails, it is the simplest to see.
  for (const positions of [[], singleBytes(bytes.length)]) {
    const { trace, fed } = feed(subject, samples, positions, 'eager')
    checkTrace(trace, fed, { messages, ends: null })
    at = trace.at
  }
  return at.map((position, index) => (index === at.length - 1 ? bytes.length : position))
}
