import t from 'tap'
import { crlfLine, crlfRule } from '../../src/codecs/crlf.js'
import { bytesOf } from '../support/codecs.js'

t.test('crlfRule: looks for CR LF first, and for a bare LF', (t) => {
  t.strictSame(crlfRule(7), { until: ['\r\n', '\n'], maxFrameLength: 7 })
  t.end()
})

t.test('crlfLine: gives the line itself', (t) => {
  for (const text of ['', 'line', '\0\xff']) {
    const line = bytesOf(text)
    t.equal(crlfLine(line, 0), line, JSON.stringify(text))
  }
  t.end()
})

t.test('crlfLine: refuses a bare LF and a bare CR', (t) => {
  const rows: readonly (readonly [line: string, matched: number, message: string])[] = [
    ['a', 1, 'Expected a line without bare LF, received "a"'],
    ['', 1, 'Expected a line without bare LF, received ""'],
    ['\rb', 0, 'Expected a line without bare CR, received "\\rb"'],
    ['b\r', 0, 'Expected a line without bare CR, received "b\\r"'],
    ['b\r', 1, 'Expected a line without bare LF, received "b\\r"'],
  ]
  for (const [line, matched, message] of rows) {
    t.throws(() => crlfLine(bytesOf(line), matched), { name: 'FramingError', code: 'ERR_FRAME_MALFORMED', message }, JSON.stringify(line))
  }
  t.end()
})
