/** Encoding: what is encoded is decoded again, and what cannot be encoded is refused before any byte of it. */
import type { Encoding } from '../framing/codec.js'
import { failWith } from './check-trace.js'
import { type Positions, singleBytes } from './cuts.js'
import { drive } from './drive.js'
import { bytesOf, chunksOf } from './guarded-chunks.js'
import { sameValue } from './same-value.js'
import type { Samples } from './samples.js'
import { shown } from './shown.js'
import { type Subject, encodedBytes, joined } from './subject.js'

/** Each message, and all of them after one another, whole and in single bytes. Gives how many. */
export async function checkRoundTrips<In, Out>(subject: Subject<In, Out>, samples: Samples<In, Out>): Promise<number> {
  const { outgoing } = samples
  if (subject.encoder() === null || outgoing.length === 0) return 0
  const rounds = outgoing.length === 1 ? [outgoing] : [...outgoing.map((message) => [message]), outgoing]
  for (const messages of rounds) {
    // oxlint-disable-next-line no-await-in-loop -- the first failure ends it
    const bytes = bytesOf(joined(await encodeAll(subject, messages)), samples.bytes)
    for (const positions of [[], singleBytes(bytes.length)]) checkDecoded(subject, samples, bytes, messages, positions)
  }
  return rounds.length
}

function checkDecoded<In, Out>(
  subject: Subject<In, Out>,
  { merge }: Samples<In, Out>,
  bytes: Uint8Array,
  messages: readonly Out[],
  positions: Positions,
): void {
  const fed = chunksOf(bytes, positions)
  const trace = drive(subject.decoder(), fed.chunks, {
    expected: messages as readonly unknown[] as readonly In[],
    merge,
  })
  const isSame = trace.failure === null && trace.messages.length === messages.length && trace.wasRight.every(Boolean)
  if (isSame) return
  const received = trace.failure?.error ?? trace.messages
  failWith(fed.unwritten)({
    check: 'round-trip',
    what: 'what was encoded is decoded to something else (if a message is not what is encoded, say `outgoing`)',
    expected: messages,
    received,
    cause: trace.failure?.error,
  })
}

/** The bytes of each, by one encoder. */
async function encodeAll<In, Out>(subject: Subject<In, Out>, messages: readonly Out[]): Promise<Uint8Array[]> {
  const encoder = subject.encoder() as Encoding<Out>
  const parts: Uint8Array[] = []
  for (const message of messages) {
    try {
      // oxlint-disable-next-line no-await-in-loop -- an encoder may remember what it has said
      parts.push(await encodedBytes(encoder.encode(message)))
    } catch (error) {
      failWith([])({ check: 'round-trip', what: `does not encode ${shown(message)}`, received: error, cause: error })
    }
  }
  return parts
}

/** Gives how many. */
export function checkRefusals<In, Out>(subject: Subject<In, Out>, { refused }: Samples<In, Out>): number {
  for (const message of refused) {
    let encoded: unknown
    try {
      encoded = subject.encoder()?.encode(message)
    } catch {
      continue
    }
    failWith([])({
      check: 'round-trip',
      what: `encodes ${shown(message)}, which cannot be said in this protocol: it must throw before it gives anything`,
      received: encoded,
    })
  }
  return refused.length
}

/** Where each message ends, when encoding the messages gives the sample itself; null: it does not, or cannot. */
export async function encodedEnds<In, Out>(
  subject: Subject<In, Out>,
  { bytes, messages, outgoing }: Samples<In, Out>,
): Promise<readonly number[] | null> {
  if (subject.encoder() === null || !sameValue(messages, outgoing)) return null
  const parts = await encodeAll(subject, outgoing)
  let end = 0
  return sameValue(joined(parts), bytes) ? parts.map((part) => (end += part.length)) : null
}
