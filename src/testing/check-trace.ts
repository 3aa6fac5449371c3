/** Whether a decoder did what it should with bytes that are right. */
import type { Pace, Trace } from './drive.js'
import type { GuardedChunks } from './guarded-chunks.js'
import { sameValue } from './same-value.js'
import { shown } from './shown.js'
import { type Finding, VerificationError } from './verification-error.js'

export interface Wanted<In> {
  readonly messages: readonly In[]
  /** Where each ends; null where that is not known. */
  readonly ends: readonly number[] | null
}

export type Fail = (finding: Omit<Finding, 'chunks'>) => never

/** Throws the finding, with what was fed. */
export function failWith(chunks: readonly Uint8Array[]): Fail {
  return (finding) => {
    throw new VerificationError({ ...finding, chunks })
  }
}

export function checkTrace<In>(trace: Trace<In>, fed: GuardedChunks, wanted: Wanted<In>, pace: Pace = 'eager'): void {
  const fail = failWith(fed.unwritten)
  checkConduct(trace, fed, fail)
  checkDelivered(trace, wanted.messages, fail)
  const { failure, messages } = trace
  if (failure !== null) {
    fail({
      check: 'error',
      what: `refuses bytes that are right, ${place(failure.at)}, ${messages.length} messages delivered`,
      received: failure.error,
      cause: failure.error,
    })
  }
  if (messages.length < wanted.messages.length) {
    fail({
      check: 'messages',
      what: `message ${messages.length} never comes, when all is written and the input has ended`,
      expected: wanted.messages[messages.length],
    })
  }
  if (wanted.ends !== null && pace === 'eager') checkTimes(trace, fed.chunks, wanted.ends, fail)
}

/** What no decoder may do. */
export function checkConduct<In>(trace: Trace<In>, fed: GuardedChunks, fail: Fail): void {
  if (trace.breach !== null) fail({ check: 'contract', what: trace.breach })
  if (fed.isWritten) fail({ check: 'input', what: 'writes into the chunks that it was given, or around them' })
}

/** What came, against what was to come first. */
export function checkDelivered<In>(trace: Trace<In>, expected: readonly In[], fail: Fail): void {
  for (const [index, received] of trace.messages.entries()) {
    const when = place(trace.at[index] as number)
    if (index >= expected.length)
      fail({
        check: 'messages',
        what: `there is a message ${index}, ${when}, where ${expected.length} are expected`,
        received,
      })
    const facts = { expected: expected[index], received }
    if (trace.wasRight[index] !== true)
      fail({ check: 'messages', what: `message ${index} is wrong, ${when}`, ...facts })
    if (!sameValue(received, expected[index]))
      fail({
        check: 'changed',
        what: `message ${index} was right when it was delivered, and has changed since: it shares memory that is written again`,
        ...facts,
      })
  }
}

/** A message comes with the chunk that has its last byte: no byte sooner, no byte later. */
function checkTimes<In>(trace: Trace<In>, chunks: readonly Uint8Array[], ends: readonly number[], fail: Fail): void {
  let chunk = 0
  let written = 0
  for (const [index, end] of ends.entries()) {
    while (written < end && chunk < chunks.length) written += (chunks[chunk++] as Uint8Array).length
    const wanted = end === Infinity ? Infinity : written
    const at = trace.at[index] as number
    if (at < wanted)
      fail({
        check: 'early',
        what: `message ${index} comes ${place(at)}, before its end: it is ${endOf(end)}`,
        received: trace.messages[index],
      })
    if (at > wanted)
      fail({
        check: 'late',
        what: `message ${index} comes ${place(at)}, and was complete ${place(wanted)}: it waits for bytes after its end`,
        received: trace.messages[index],
      })
  }
}

function endOf(end: number): string {
  return end === Infinity ? 'the end of input' : `byte ${end}`
}

export function place(at: number): string {
  return at === Infinity ? 'at the end of input' : `after ${at} bytes`
}

/** By what two errors are the same. */
export function codeOf(error: unknown): string {
  const { code, name } = Object(error) as { code?: unknown; name?: unknown }
  return typeof code === 'string' ? code : typeof name === 'string' ? name : shown(error)
}
