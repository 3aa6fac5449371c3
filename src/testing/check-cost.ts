/** Cost and memory, by counting: four times the input is four times the work, and a length is no reason to allocate. */
import { checkDelivered, failWith } from './check-trace.js'
import { type Positions, singleBytes } from './cuts.js'
import { drive } from './drive.js'
import { bytesOf, chunksOf } from './guarded-chunks.js'
import { Meter, metered } from './meter.js'
import type { LongSample, Samples } from './samples.js'
import { type Subject, encodedBytes, joined } from './subject.js'

const SMALL_BYTES = 512
const GROWTH = 4
/** Between linear and quadratic, for four times the input. */
const MAX_GROWTH = 8
/** Work that does not count against anybody. */
const SLACK_BYTES = 4096
/** Longest input that is fed in single bytes to see what is allocated. */
const MAX_SINGLE_BYTES = 4096

/** Nothing is delivered of what is not there, and no memory is asked for by a length. */
export function checkAllocation<In, Out>(subject: Subject<In, Out>, samples: Samples<In, Out>): void {
  const { declared, malformed, bytes } = samples
  for (const input of [bytes, ...malformed.map((wrong) => wrong.bytes), ...declared]) {
    const isDeclared = declared.includes(input)
    for (const positions of input.length > MAX_SINGLE_BYTES ? [[]] : [[], singleBytes(input.length)]) {
      const fed = chunksOf(input, positions)
      const fail = failWith(fed.unwritten)
      const meter = new Meter()
      const decoder = metered(subject.decoder(), meter, samples.maxAllocation)
      const trace = meter.measure(() =>
        drive(decoder, fed.chunks, { expected: isDeclared ? [] : samples.messages, hasEnd: false }),
      )
      if (meter.refused > 0)
        fail({
          check: 'allocation',
          what: `asks for ${meter.refused} bytes of memory at once, ${decoder.received} bytes of input received: a length that a peer declares is no reason`,
        })
      if (isDeclared) checkDelivered(trace, [], fail)
    }
  }
}

/** Work a byte of input; null: nothing was seen that could be counted. */
export async function checkCost<In, Out>(subject: Subject<In, Out>, samples: Samples<In, Out>): Promise<number | null> {
  const many = samples.repeats && samples.bytes.length > 0 ? repeating(samples) : undefined
  const long = await longSamples(subject, samples)
  const perByte = [
    costOf(subject, samples, 'one message in single bytes', long, singleBytes),
    costOf(subject, samples, 'many messages in one chunk', many, () => []),
    costOf(subject, samples, 'many messages in single bytes', many, singleBytes),
  ]
  return Math.max(...perByte) || null
}

function costOf<In, Out>(
  subject: Subject<In, Out>,
  samples: Samples<In, Out>,
  name: string,
  make: ((length: number) => LongSample<In>) | undefined,
  cut: (length: number) => Positions,
): number {
  if (make === undefined) return 0
  const [small, large] = [SMALL_BYTES, SMALL_BYTES * GROWTH].map((length) =>
    measure(subject, samples, make(length), cut),
  ) as [Measured, Measured]
  // The samples need not be exactly four times as long.
  const growth = large.length / small.length
  if (large.work > small.work * growth * (MAX_GROWTH / GROWTH) + SLACK_BYTES) {
    const what = `the cost of ${name} grows faster than the input: ${small.work} for ${small.length} bytes, ${large.work} for ${large.length} (bytes copied, searched, decoded or looked at)`
    failWith(large.chunks)({ check: 'cost', what })
  }
  return large.work / large.length
}

interface Measured {
  readonly work: number
  readonly length: number
  readonly chunks: readonly Uint8Array[]
}

function measure<In, Out>(
  subject: Subject<In, Out>,
  samples: Samples<In, Out>,
  sample: LongSample<In>,
  cut: (length: number) => Positions,
): Measured {
  const bytes = bytesOf(sample.bytes, samples.bytes)
  const { chunks } = chunksOf(bytes, cut(bytes.length))
  const meter = new Meter()
  const decoder = subject.decoder()
  const trace = meter.measure(() =>
    drive(metered(decoder, meter, Infinity), chunks, { expected: sample.messages, merge: samples.merge }),
  )
  const fail = failWith(chunks)
  const { failure, messages } = trace
  if (failure !== null)
    fail({
      check: 'error',
      what: `refuses a longer input (${bytes.length} bytes) made of messages that it takes (if it must, say \`repeats: false\`)`,
      received: failure.error,
      cause: failure.error,
    })
  checkDelivered(trace, sample.messages, fail)
  if (messages.length < sample.messages.length)
    fail({
      check: 'messages',
      what: `message ${messages.length} of a longer input never comes`,
      expected: sample.messages[messages.length],
    })
  return { work: meter.work + (decoder.bytesLookedAt ?? 0), length: bytes.length, chunks }
}

function repeating<In, Out>({ bytes, messages }: Samples<In, Out>): (length: number) => LongSample<In> {
  return (length) => {
    const count = Math.max(1, Math.round(length / bytes.length))
    return {
      bytes: joined(Array.from({ length: count }, () => bytes)),
      messages: Array.from({ length: count }, () => messages).flat(),
    }
  }
}

/** As the options say; else of the letter a, where that is a message. */
async function longSamples<In, Out>(
  subject: Subject<In, Out>,
  { long, outgoing, bytes }: Samples<In, Out>,
): Promise<((length: number) => LongSample<In>) | undefined> {
  const first: unknown = outgoing[0]
  if (long !== undefined || (typeof first !== 'string' && !(first instanceof Uint8Array))) return long
  const made = new Map<number, LongSample<In>>()
  for (const length of [SMALL_BYTES, SMALL_BYTES * GROWTH]) {
    const message: unknown = typeof first === 'string' ? 'a'.repeat(length) : bytesOf('a'.repeat(length), bytes)
    // oxlint-disable-next-line no-await-in-loop -- two, and the second only if the first can be made
    const sample = await encodedSample(subject, message)
    if (sample === undefined) return undefined
    made.set(length, sample)
  }
  return (length) => made.get(length) as LongSample<In>
}

/** Undefined where it is too long, or no message. */
async function encodedSample<In, Out>(
  subject: Subject<In, Out>,
  message: unknown,
): Promise<LongSample<In> | undefined> {
  try {
    const encoded = subject.encoder()?.encode(message as Out)
    if (encoded === undefined) return undefined
    const bytes = await encodedBytes(encoded)
    const trace = drive(subject.decoder(), [bytes], { expected: [message as In] })
    return trace.failure === null && trace.wasRight[0] === true ? { bytes, messages: [message as In] } : undefined
  } catch {
    return undefined
  }
}
