import t from 'tap'
import { expectBytes, parseLength, type ParseLengthOptions } from '../../src/framing/parse.js'

const bytesOf = (text: string): Uint8Array => Buffer.from(text, 'latin1')

t.test('parseLength: reads digits and nothing else', (t) => {
  const rows: readonly (readonly [text: string, options: ParseLengthOptions, want: number | 'ERR_FRAME_MALFORMED' | 'ERR_FRAME_TOO_LONG'])[] = [
    ['0', {}, 0],
    ['5', {}, 5],
    ['1234567890', {}, 1_234_567_890],
    ['9007199254740991', {}, Number.MAX_SAFE_INTEGER],
    ['9007199254740992', {}, 'ERR_FRAME_TOO_LONG'],
    ['9'.repeat(400), {}, 'ERR_FRAME_TOO_LONG'],
    ['10', { max: 9 }, 'ERR_FRAME_TOO_LONG'],
    ['9', { max: 9 }, 9],
    ['', {}, 'ERR_FRAME_MALFORMED'],
    ['05', {}, 'ERR_FRAME_MALFORMED'],
    ['00', {}, 'ERR_FRAME_MALFORMED'],
    ['05', { leadingZeros: true }, 5],
    ['+5', {}, 'ERR_FRAME_MALFORMED'],
    ['-1', {}, 'ERR_FRAME_MALFORMED'],
    [' 5', {}, 'ERR_FRAME_MALFORMED'],
    ['5 ', {}, 'ERR_FRAME_MALFORMED'],
    ['5\n', {}, 'ERR_FRAME_MALFORMED'],
    ['5.0', {}, 'ERR_FRAME_MALFORMED'],
    ['1e3', {}, 'ERR_FRAME_MALFORMED'],
    ['a', {}, 'ERR_FRAME_MALFORMED'],
    ['\xb2', {}, 'ERR_FRAME_MALFORMED'],
    ['fFa9', { radix: 16 }, 0xffa9],
    ['0x5', { radix: 16, leadingZeros: true }, 'ERR_FRAME_MALFORMED'],
    ['g', { radix: 16 }, 'ERR_FRAME_MALFORMED'],
    ['@', { radix: 16 }, 'ERR_FRAME_MALFORMED'],
  ]
  for (const [text, options, want] of rows) {
    const name = JSON.stringify(text.slice(0, 20))
    if (typeof want === 'number') t.equal(parseLength(bytesOf(text), options), want, name)
    else t.throws(() => parseLength(bytesOf(text), options), { code: want }, name)
  }
  t.end()
})

t.test('expectBytes: takes exactly the literal, text or bytes', (t) => {
  t.doesNotThrow(() => expectBytes(bytesOf('\r\n'), '\r\n'))
  t.doesNotThrow(() => expectBytes(bytesOf(''), ''))
  t.doesNotThrow(() => expectBytes(Buffer.from('é'), 'é'))
  t.doesNotThrow(() => expectBytes(bytesOf('\xe9'), bytesOf('\xe9')))
  const wrong: readonly (readonly [Uint8Array, string | Uint8Array, RegExp])[] = [
    [bytesOf('\n\n'), '\r\n', /^Expected "\\r\\n", received "\\n\\n"$/],
    [bytesOf('\n'), '\r\n', /^Expected "\\r\\n"/],
    [bytesOf('\xe9'), 'é', /^Expected "é", received "é"$/],
    [bytesOf('a'), bytesOf('b'), /^Expected other bytes, received "a"$/],
    [bytesOf('a'.repeat(50)), 'b', /received "a{40}"$/],
  ]
  for (const [bytes, literal, message] of wrong) t.throws(() => expectBytes(bytes, literal), { code: 'ERR_FRAME_MALFORMED', message }, String(message))
  t.end()
})
