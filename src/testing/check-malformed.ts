/** Errors: the same at every cut, and final; and a new decoder after one is as good as any. */
import { type Fail, checkConduct, checkDelivered, checkTrace, codeOf, failWith, place } from './check-trace.js'
import { manyCuts, randomFrom, singleBytes } from './cuts.js'
import { type Trace, drive } from './drive.js'
import { chunksOf } from './guarded-chunks.js'
import type { Samples } from './samples.js'
import { shown, shownBytes } from './shown.js'
import type { Subject } from './subject.js'
import { VerificationError } from './verification-error.js'

type Wrong<In> = Samples<In, never>['malformed'][number]

/** Cuts that were tried. */
export function checkMalformed<In, Out>(subject: Subject<In, Out>, samples: Samples<In, Out>): number {
  let tried = 0
  const random = randomFrom(samples.seed)
  for (const wrong of samples.malformed) {
    let code = wrong.code
    for (const positions of manyCuts(wrong.bytes.length, samples.randomCuts, random)) {
      const fed = chunksOf(wrong.bytes, positions)
      const trace = drive(subject.decoder(), fed.chunks, {
        expected: wrong.messages,
        probe: samples.bytes,
        merge: samples.merge,
      })
      const fail = failWith(fed.unwritten)
      checkConduct(trace, fed, fail)
      code = checkRefusal(trace, wrong, code, fail)
      tried++
    }
    checkNewDecoder(subject, samples, wrong)
  }
  return tried
}

/** The error's code. */
function checkRefusal<In>(trace: Trace<In>, wrong: Wrong<In>, code: string | undefined, fail: Fail): string {
  const { failure, messages, afterwards } = trace
  const check = 'malformed'
  if (failure === null) {
    if (messages.length > wrong.messages.length)
      fail({ check, what: 'accepts what is malformed, and delivers a message of it', received: messages.at(-1) })
    return fail({ check, what: 'accepts what is malformed: no error, and the input has ended' })
  }
  const { error, before } = failure
  if (before < messages.length && messages.length > wrong.messages.length) {
    fail({ check, what: `delivers message ${before} after its error ${shown(error)}`, received: messages[before] })
  }
  checkDelivered(trace, wrong.messages, fail)
  if (messages.length < wrong.messages.length) {
    fail({
      check,
      what: `message ${messages.length}, before what is malformed, never comes`,
      expected: wrong.messages[messages.length],
    })
  }
  if (afterwards.length > 0)
    fail({
      check,
      what: `goes on after its error ${shown(error)} when more bytes come, and delivers`,
      received: afterwards[0],
    })
  if (failure.at === Infinity && wrong.atEnd !== true) {
    fail({
      check,
      what: 'refuses only when the input ends what its bytes show to be malformed (if they do not, say `atEnd: true`): until then its peer waits',
      received: error,
      cause: error,
    })
  }
  const received = codeOf(error)
  if (code !== undefined && received !== code) {
    fail({
      check,
      what: `refuses with ${received} ${place(failure.at)}, where ${wrong.code === undefined ? 'another cut of the same bytes gives' : 'it must be'} ${code}`,
      expected: code,
      received: error,
      cause: error,
    })
  }
  return received
}

function checkNewDecoder<In, Out>(
  subject: Subject<In, Out>,
  { bytes, messages, merge }: Samples<In, Out>,
  wrong: Wrong<In>,
): void {
  const fed = chunksOf(bytes, singleBytes(bytes.length))
  try {
    checkTrace(drive(subject.decoder(), fed.chunks, { expected: messages, merge }), fed, { messages, ends: null })
  } catch (cause) {
    const { what, ...facts } = cause as VerificationError
    throw new VerificationError({
      ...facts,
      check: 'malformed',
      what: `a new decoder, made after one has refused ${shownBytes(wrong.bytes)}, is no longer right: ${what}`,
      cause,
    })
  }
}
