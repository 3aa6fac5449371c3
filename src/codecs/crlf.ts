/**
 * A line that CR LF ends, strictly: for protocols whose lines are not a codec of their own.
 *
 * A bare LF is seen when it comes, and not at the CR LF after it, which may never come.
 */
import { malformedBytes } from '../errors.js'
import type { FrameRule } from '../framing/terminator.js'

const CR = 0x0d

/** What to yield for a line of at most `maxLength` bytes; what comes is for `crlfLine`. */
export function crlfRule(maxLength: number): FrameRule {
  return { until: ['\r\n', '\n'], maxFrameLength: maxLength }
}

/** The line, where CR LF ended it (`matched` 0) and no CR is in it. */
export function crlfLine(line: Uint8Array, matched: number): Uint8Array {
  if (matched === 1 || line.includes(CR)) throw malformedBytes(`a line without bare ${matched === 1 ? 'LF' : 'CR'}`, line)
  return line
}
