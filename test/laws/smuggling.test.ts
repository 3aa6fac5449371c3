/**
 * What is no end of line is no end of frame. Two programs that disagree on that see different messages in the same bytes:
 * CVE-2023-51764 (LF . LF in SMTP), CVE-2024-27305, CVE-2022-32214 (bare LF and CR in HTTP).
 */
import t from 'tap'
import { dotBlock, headers, httpChunked, lines, resp, telnetLines } from '../../src/codecs/index.js'
import type { Codec } from '../../src/framing/index.js'
import { bytesOf, cutsOf, decode } from '../support/codecs.js'

/** In place of a CR LF. */
const WRONG_ENDS = { 'bare LF': '\n', 'bare CR': '\r', 'CR CR LF': '\r\r\n', NUL: '\0', 'LF CR': '\n\r', nothing: '' }

/** `¶` is a CR LF; each in turn becomes something else. */
const rows: readonly (readonly [name: string, make: () => Codec<any>, wire: string])[] = [
  ['lines', () => lines({ ending: 'crlf' }) as Codec<any>, 'a¶b\r\n'],
  ['lines, of bytes', () => lines({ ending: 'crlf', encoding: null }) as Codec<any>, 'a¶b\r\n'],
  ['telnetLines', () => telnetLines() as Codec<any>, 'a¶b\r\n'],
  ['headers', () => headers(), 'Content-Length: 2¶X-Y: z¶¶{}Content-Length: 0\r\n\r\n'],
  ['httpChunked', () => httpChunked(), '1¶h¶0¶¶'],
  ['httpChunked, extensions and trailers', () => httpChunked(), '1;a=b¶h¶0¶X-Y: z¶¶'],
  ['dotBlock', () => dotBlock(), 'hi¶.¶MAIL FROM:<a@b.c>\r\n.\r\n'],
  ['dotBlock, an empty one', () => dotBlock(), '.¶MAIL FROM:<a@b.c>\r\n.\r\n'],
  ['resp, a simple string', () => resp(), '+a¶+b\r\n'],
  ['resp, an error', () => resp(), '-a¶+b\r\n'],
  ['resp, a bulk string', () => resp(), '$1¶a¶+b\r\n'],
  ['resp, a command', () => resp({ protocol: 2, inline: 'crlf' }), '*2¶$3¶GET¶$1¶k¶*1\r\n$4\r\nPING\r\n'],
  ['resp, an inline command', () => resp({ inline: 'crlf' }), 'GET a¶GET b\r\n'],
]

const MARK = '¶'

for (const [name, make, wire] of rows) {
  t.test(`${name}: nothing but CR LF ends it, at every cut`, async (t) => {
    const right = decode(make(), [bytesOf(wire.replaceAll(MARK, '\r\n'))])
    t.equal(right.error, null)
    const parts = wire.split(MARK)
    for (let wrong = 1; wrong < parts.length; wrong++) {
      const [before, after] = [parts.slice(0, wrong).join('\r\n'), parts.slice(wrong).join('\r\n')]
      for (const [what, end] of Object.entries(WRONG_ENDS)) {
        for (const chunks of cutsOf(bytesOf(before + end + after))) {
          const { messages, error } = decode(make(), chunks)
          if (messages.length < right.messages.length) continue
          t.fail(`${what} for the CR LF number ${wrong} gives ${JSON.stringify(messages)}, ${error}`)
          return
        }
      }
    }
    t.pass(`${parts.length - 1} ends, ${Object.keys(WRONG_ENDS).length} others for each`)
  })
}
