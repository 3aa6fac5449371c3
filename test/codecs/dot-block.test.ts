import fc from 'fast-check'
import t from 'tap'
import { dotBlock, type DotBlockOptions } from '../../src/codecs/dot-block.js'
import { lines } from '../../src/codecs/lines.js'
import { MessageScanner } from '../../src/framing/message-scanner.js'
import { bytesOf, decode, decodeAtEveryCut, encode } from '../support/codecs.js'
import { randomCuts } from '../support/cuts.js'

const BARE = /^ERR_FRAME_MALFORMED Expected no CR without LF and no LF without CR/
const TOO_LONG = /^ERR_FRAME_TOO_LONG /
const CUT = /^ERR_FRAME_INCOMPLETE /

t.test('dotBlock: reads blocks at every cut, or fails alike', (t) => {
  const rows: readonly (readonly [wire: string, messages: readonly string[], error?: RegExp | undefined, options?: DotBlockOptions])[] = [
    ['a\r\nb\r\n.\r\n', ['a\r\nb\r\n']],
    ['.\r\n.\r\n', ['', '']],
    ['\r\n.\r\n', ['\r\n']],
    ['a\r\n.\r\n.\r\nb\r\n.\r\n', ['a\r\n', '', 'b\r\n']],
    ['..\r\n.\r\n', ['.\r\n']],
    ['...\r\na.b\r\n..c\r\n.d\r\n.\r\n', ['..\r\na.b\r\n.c\r\nd\r\n']],
    ['. \r\n.\r\n', [' \r\n']],
    ['a.\r\n.\r\n', ['a.\r\n']],
    ['a.\r\n..\r\n.\r\n', ['a.\r\n.\r\n']],
    // What never ends a block: the smuggling set.
    ['a\n.\r\n', [], CUT],
    ['a\n.\n', [], CUT],
    ['a\r.\r', [], CUT],
    ['a\r\n.\n', [], CUT],
    ['a\r\n.\r', [], CUT],
    ['a\r\n\0.\r\n', [], CUT],
    ['a\r\n.\0\r\n', [], CUT],
    ['a\r\n.\r\r\n', [], CUT],
    ['a\n\r.\r\n', [], CUT],
    ['a\n.\n\r\n.\r\n', [], BARE],
    ['a\r.\r\r\n.\r\n', [], BARE],
    ['a\r\r\n.\r\n', [], BARE],
    ['a\n\r.\r\n.\r\n', [], BARE],
    ['a\r\n.\nb\r\n.\r\n', [], BARE],
    ['a\r\n.\rb\r\n.\r\n', [], BARE],
    ['.\n\r\n.\r\n', [], BARE],
    ['.\r.\r\n.\r\n', [], BARE],
    ['a\0b\r\n.\r\n', ['a\0b\r\n']],
    ['a\n.\n\r\n.\r\n', ['a\n.\n\r\n'], undefined, { strict: false }],
    ['a\r\r\n.\r\n', ['a\r\r\n'], undefined, { strict: false }],
    ['a\n.\r\nb\r\n.\r\n', ['a\n.\r\nb\r\n'], undefined, { strict: false }],
    ['\n.\r\n\r\n.\r\n', ['\n.\r\n\r\n'], undefined, { strict: false }],
    ['ab\r\n.\r\n', ['ab\r\n'], undefined, { maxLength: 2 }],
    ['ab\r\n.\r\nabc\r\n.\r\n', ['ab\r\n'], TOO_LONG, { maxLength: 2 }],
    ['a\r\nb\r\n.\r\n', [], TOO_LONG, { maxLength: 3 }],
    ['a', [], CUT],
    ['a\r\nb', [], CUT],
    ['..\r\n', [], CUT],
  ]
  for (const [wire, messages, error, options] of rows) {
    const name = JSON.stringify(wire)
    const seen = decodeAtEveryCut(dotBlock(options), wire)
    t.match(seen, { error: error ?? null }, name)
    t.same((seen as { messages: unknown }).messages, messages, name)
  }
  t.end()
})

t.test('dotBlock: ends exactly, so that the codec after it reads the next byte', (t) => {
  const scanner = new MessageScanner<unknown>(dotBlock())
  scanner.write(bytesOf('a\r\n.\r\nQUIT\r\n'))
  t.same(scanner.read(), bytesOf('a\r\n'))
  scanner.setCodec(lines({ ending: 'crlf' }))
  t.equal(scanner.read(), 'QUIT')
  t.end()
})

t.test('dotBlock: its own limit goes before those of who reads', (t) => {
  t.same(decodeAtEveryCut(dotBlock(), 'twelve bytes\r\n.\r\n', { maxFrameLength: 4, maxMessageLength: 5 }), { messages: ['twelve bytes\r\n'], error: null })
  t.end()
})

t.test('dotBlock: writes lines with their dots doubled', (t) => {
  const writes: readonly (readonly [string, string, DotBlockOptions?])[] = [
    ['', '.\r\n'],
    ['\r\n', '\r\n.\r\n'],
    ['a\r\nb\r\n', 'a\r\nb\r\n.\r\n'],
    ['.\r\n..\r\na.\r\n', '..\r\n...\r\na.\r\n.\r\n'],
    ['a', 'a\r\n.\r\n', { strict: false }],
    ['.\n.\r', '..\n.\r\r\n.\r\n', { strict: false }],
  ]
  for (const [message, wire, options] of writes) {
    t.same(encode(dotBlock(options), bytesOf(message)), bytesOf(wire), JSON.stringify(message))
    t.same(encode(dotBlock(options), message), bytesOf(wire))
  }
  t.same(encode(dotBlock(), 'é\r\n'), Buffer.from('é\r\n.\r\n'))
  t.end()
})

t.test('dotBlock: refuses to write what is not lines', (t) => {
  for (const message of ['a', 'a\n', 'a\r', 'a\nb\r\n', 'a\rb\r\n', '\n.\n', '\r', '\n']) {
    t.throws(() => dotBlock().encode(message), { name: 'TypeError', message: /lines that end with CR LF/ }, JSON.stringify(message))
  }
  t.throws(() => dotBlock({ maxLength: 2 }).encode('abc\r\n'), { name: 'RangeError', message: /at most 2 bytes\. Received 3/ })
  t.throws(() => dotBlock().encode(5 as never), { message: /string or Uint8Array/ })
  t.doesNotThrow(() => dotBlock({ maxLength: 2 }).encode('ab\r\n'))
  t.end()
})

t.test('dotBlock: reads what it wrote, however it is cut', (t) => {
  const line = fc.string({ unit: fc.constantFrom('.', 'a', '\0'), maxLength: 4 }).map((text) => `${text}\r\n`)
  const block = fc.array(line, { maxLength: 4 }).map((all) => all.join(''))
  const property = fc.property(
    fc.array(block, { maxLength: 3 }).chain((blocks) => fc.tuple(fc.constant(blocks), randomCuts(Buffer.concat(blocks.map((each) => encode(dotBlock(), each)))))),
    ([blocks, chunks]) => JSON.stringify(decode(dotBlock(), chunks)) === JSON.stringify({ messages: blocks, error: null }),
  )
  t.doesNotThrow(() => fc.assert(property))
  t.end()
})

t.test('dotBlock: agrees with its description read line by line', (t) => {
  const property = fc.property(fc.string({ unit: fc.constantFrom('.', '\r', '\n', 'a', '\r\n', '\r\n.\r\n'), maxLength: 12 }), (wire) => {
    const { messages } = decode(dotBlock({ strict: false }), [bytesOf(wire)])
    return JSON.stringify(messages) === JSON.stringify(blocksIn(wire))
  })
  t.doesNotThrow(() => fc.assert(property, { numRuns: 500 }))
  t.end()
})

function blocksIn(wire: string): string[] {
  const blocks: string[] = []
  let block = ''
  for (const line of wire.split('\r\n').slice(0, -1)) {
    if (line !== '.') {
      block += `${line.replace(/^\./, '')}\r\n`
      continue
    }
    blocks.push(block)
    block = ''
  }
  return blocks
}

t.test('dotBlock: checks its options', (t) => {
  t.throws(() => dotBlock(1 as never), { message: /"options"/ })
  t.throws(() => dotBlock({ maxLength: 0 }), { message: /"options\.maxLength"/ })
  t.throws(() => dotBlock({ strict: 0 as never }), { message: /"options\.strict"/ })
  t.end()
})
