import t from 'tap'
import { inlineArguments } from '../../src/codecs/resp-inline.js'
import { bytesOf, told } from '../support/codecs.js'

t.test('inlineArguments: splits at spaces and reads what is quoted', (t) => {
  const rows: readonly (readonly [line: string, args: readonly string[]])[] = [
    ['', []],
    [' \t ', []],
    ['PING', ['PING']],
    ['  SET  k\tv ', ['SET', 'k', 'v']],
    ['a\vb\fc\rd\ne', ['a', 'b', 'c', 'd', 'e']],
    ['\0\xff \xa0', ['\0\xff', '\xa0']],
    ['a\\nb \\', ['a\\nb', '\\']],
    ['"" \'\'', ['', '']],
    ['"a b" \'c d\'', ['a b', 'c d']],
    ['k="a b" c', ['k=a b', 'c']],
    ['"it\'s" \'a"b\'', ["it's", 'a"b']],
    [String.raw`"\n\r\t\b\a"`, ['\n\r\t\b\x07']],
    [String.raw`"\"\\\q"`, ['"\\q']],
    [String.raw`"\x41\xfF\x00"`, ['A\xff\0']],
    [String.raw`"\x4" "\xg1" "\X41"`, ['x4', 'xg1', 'X41']],
    [String.raw`'it\'s' '\n\x41\\ '`, ["it's", String.raw`\n\x41\\ `]],
  ]
  for (const [line, args] of rows) t.strictSame(told(inlineArguments(bytesOf(line))), args, JSON.stringify(line))
  t.end()
})

t.test('inlineArguments: refuses quotes that are not balanced', (t) => {
  const rows = ['"', "'", 'a"', '"a', "'a", '"a"b', "'a'b", '"a""b"', `"a'`, '"a\\', String.raw`"a\"`, String.raw`"\x4`, "'a\\", String.raw`'a\'`, String.raw`'a\\'`, 'ok "a']
  for (const line of rows) {
    const message = `Expected balanced quotes in an inline command, received ${JSON.stringify(line)}`
    t.throws(() => inlineArguments(bytesOf(line)), { name: 'FramingError', code: 'ERR_FRAME_MALFORMED', message }, line)
  }
  t.end()
})

t.test('inlineArguments: gives bytes of its own', (t) => {
  const line = bytesOf('GET k')
  const args = inlineArguments(line)
  line.fill(0)
  t.strictSame(told(args), ['GET', 'k'])
  t.end()
})
