/** What a verification found. */
import { shown, shownChunks } from './shown.js'

/** What was tried when the decoder failed. */
export type Check =
  | 'allocation'
  | 'changed'
  | 'contract'
  | 'cost'
  | 'early'
  | 'error'
  | 'input'
  | 'late'
  | 'malformed'
  | 'messages'
  | 'round-trip'
  | 'truncation'

/** The facts of a failure. */
export interface Finding {
  readonly check: Check
  /** What broke. */
  readonly what: string
  /** What was fed, cut as it was. */
  readonly chunks: readonly Uint8Array[]
  readonly expected?: unknown
  readonly received?: unknown
  readonly cause?: unknown
}

/**
 * A decoder is wrong. The message says what broke, with which chunks, and what was expected and received; the fields
 * say the same for tools. Its code is that of an assertion.
 */
export class VerificationError extends Error {
  readonly code = 'ERR_ASSERTION'
  /** What was tried. */
  readonly check: Check
  /** The chunks that were fed: feed them again to see it again. */
  readonly chunks: readonly Uint8Array[]
  /** What broke, without the facts that follow it in the message. */
  readonly what: string
  declare readonly expected?: unknown
  declare readonly received?: unknown

  constructor(finding: Finding) {
    super(textOf(finding))
    const { check, what, chunks, ...facts } = finding
    this.check = check
    this.what = what
    // A copy: the chunks may be written into.
    this.chunks = chunks.map((chunk) => Uint8Array.from(chunk))
    Object.assign(this, facts)
  }

  static {
    this.prototype.name = 'VerificationError'
  }
}

function textOf(finding: Finding): string {
  const lines = [`Decoder is wrong (${finding.check}): ${finding.what}`, `chunks:   ${shownChunks(finding.chunks)}`]
  if ('expected' in finding) lines.push(`expected: ${shown(finding.expected)}`)
  if ('received' in finding) lines.push(`received: ${shown(finding.received)}`)
  return lines.join('\n  ')
}
