import fc from 'fast-check'
import t from 'tap'
import { lines, type LineEnding, type LinesOptions } from '../../src/codecs/lines.js'
import type { FrameCodec } from '../../src/framing/codec.js'
import { MessageScanner } from '../../src/framing/message-scanner.js'
import { bytesOf, decode, decodeAtEveryCut, encode } from '../support/codecs.js'
import { randomCuts } from '../support/cuts.js'

const ENDINGS: readonly LineEnding[] = ['crlf', 'lf', 'crlf-or-lf', 'universal']
const BARE_CR = 'ERR_FRAME_MALFORMED Expected a line without bare CR'
const BARE_LF = 'ERR_FRAME_MALFORMED Expected a line without bare LF'
const CUT = 'ERR_FRAME_INCOMPLETE'

interface Row {
  readonly wire: string
  /** The lines, and the beginning of an error. */
  readonly want: Readonly<Record<string, readonly [lines: readonly string[], error?: string]>>
}

const rows: readonly Row[] = [
  {
    wire: 'a\r\n\r\nb\r\n',
    want: { crlf: [['a', '', 'b']], lf: [['a\r', '\r', 'b\r']], 'crlf-or-lf': [['a', '', 'b']], universal: [['a', '', 'b']] },
  },
  {
    wire: 'a\n\nb\n',
    want: { crlf: [[], BARE_LF], 'crlf lenient': [[], CUT], lf: [['a', '', 'b']], 'crlf-or-lf': [['a', '', 'b']], universal: [['a', '', 'b']] },
  },
  {
    wire: 'a\r\rb\r',
    want: { crlf: [[], CUT], lf: [[], CUT], 'crlf-or-lf': [[], CUT], universal: [['a', '', 'b']] },
  },
  {
    // At most one CR is a part of the end.
    wire: 'a\r\r\nb\r\n',
    want: {
      crlf: [[], BARE_CR],
      'crlf lenient': [['a\r', 'b']],
      lf: [['a\r\r', 'b\r']],
      'crlf-or-lf': [[], BARE_CR],
      'crlf-or-lf lenient': [['a\r', 'b']],
      universal: [['a', '', 'b']],
    },
  },
  {
    wire: 'a\n\rb\r\n',
    want: {
      crlf: [[], BARE_LF],
      'crlf lenient': [['a\n\rb']],
      lf: [['a', '\rb\r']],
      'crlf-or-lf': [['a'], BARE_CR],
      'crlf-or-lf lenient': [['a', '\rb']],
      universal: [['a', '', 'b']],
    },
  },
  {
    wire: 'a\0b\r\n',
    want: { crlf: [['a\0b']], lf: [['a\0b\r']], 'crlf-or-lf': [['a\0b']], universal: [['a\0b']] },
  },
  {
    wire: 'a\rb\nc\r\n',
    want: {
      crlf: [[], BARE_LF],
      'crlf lenient': [['a\rb\nc']],
      lf: [['a\rb', 'c\r']],
      'crlf-or-lf': [[], BARE_CR],
      'crlf-or-lf lenient': [['a\rb', 'c']],
      universal: [['a', 'b', 'c']],
    },
  },
  { wire: '', want: { crlf: [[]], lf: [[]], 'crlf-or-lf': [[]], universal: [[]] } },
  { wire: 'ab', want: { crlf: [[], CUT], lf: [[], CUT], 'crlf-or-lf': [[], CUT], universal: [[], CUT] } },
]

t.test('lines: ends a line at its own ending only, at every cut', (t) => {
  for (const { wire, want } of rows) {
    for (const [name, [messages, error = null]] of Object.entries(want)) {
      const [ending, lenient] = name.split(' ') as [LineEnding, string?]
      for (const encoding of ['utf8', null] as const) {
        const codec = lines({ ending, strict: lenient === undefined, encoding }) as FrameCodec<any>
        const seen = decodeAtEveryCut(codec, wire)
        t.match(seen, { error: error === null ? null : new RegExp(`^${error}`) }, `${JSON.stringify(wire)} ${name} ${encoding}`)
        t.same((seen as { messages?: unknown }).messages, messages)
      }
    }
  }
  t.end()
})

t.test('lines: makes a strict error known with the byte that is wrong, not with the end that may never come', (t) => {
  t.match(decode(lines({ ending: 'crlf' }), [bytesOf('DATA\n')], { isEnded: false }), { error: new RegExp(BARE_LF) })
  t.end()
})

t.test('lines: under universal, gives a line at its CR and takes the LF after it as the rest of that end', (t) => {
  const scanner = new MessageScanner(lines({ ending: 'universal' }))
  scanner.write(bytesOf('a\r'))
  t.equal(scanner.read(), 'a', 'no byte is waited for')
  t.equal(scanner.read(), null)
  scanner.write(bytesOf('\n'))
  t.equal(scanner.read(), null, 'no line was doubled')
  scanner.write(bytesOf('b\n\n'))
  t.equal(scanner.read(), 'b')
  t.equal(scanner.read(), '', 'a LF after a LF is a line')
  t.end()
})

t.test('lines: under universal, one codec serves several streams', (t) => {
  const codec = lines({ ending: 'universal' })
  const first = new MessageScanner(codec)
  const second = new MessageScanner(codec)
  first.write(bytesOf('a\r'))
  t.equal(first.read(), 'a')
  second.write(bytesOf('\n'))
  t.equal(second.read(), '', 'the LF is not that of the other stream')
  first.write(bytesOf('\nb\r'))
  t.equal(first.read(), 'b')
  t.end()
})

t.test('lines: under universal, the rest of an end stays known while another codec rules, and is that one’s to read', (t) => {
  const scanner = new MessageScanner<unknown>(lines({ ending: 'universal' }))
  scanner.write(bytesOf('a\r\nb\r\n'))
  t.equal(scanner.read(), 'a')
  scanner.setCodec(lines({ ending: 'universal', encoding: null }))
  t.same(scanner.read(), bytesOf('b'), 'a codec of the same kind knows it')
  scanner.setCodec({ terminator: 1, parse: (frame) => frame, encode: () => '' })
  t.same(scanner.read(), bytesOf('\n'))
  t.end()
})

t.test('lines: delivers a last line that nothing ends if told so', (t) => {
  for (const ending of ENDINGS) {
    t.same(decodeAtEveryCut(lines({ ending, tail: 'emit' }), 'a\r\nb'), { messages: [ending === 'lf' ? 'a\r' : 'a', 'b'], error: null }, ending)
  }
  t.match(decodeAtEveryCut(lines({ ending: 'crlf', tail: 'emit' }), 'a\r'), { error: new RegExp(BARE_CR) })
  t.same(decodeAtEveryCut(lines({ ending: 'universal', tail: 'emit' }), 'a\r\n'), { messages: ['a'], error: null })
  t.end()
})

t.test('lines: reads UTF-8 strictly, or with U+FFFD for what is none', (t) => {
  t.same(decodeAtEveryCut(lines({ ending: 'lf' }), Buffer.from('é€😀\n')), { messages: ['é€😀'], error: null })
  t.match(decodeAtEveryCut(lines({ ending: 'lf' }), 'a\xff\n'), { messages: [], error: /^ERR_FRAME_MALFORMED Expected UTF-8/ })
  t.same(decodeAtEveryCut(lines({ ending: 'lf', strict: false }), 'a\xff\n'), { messages: ['a\ufffd'], error: null })
  t.same(decodeAtEveryCut(lines({ ending: 'lf', encoding: null }), 'a\xff\n'), { messages: ['a\xff'], error: null })
  t.end()
})

t.test('lines: has a limit of its own, which counts content', (t) => {
  for (const ending of ENDINGS) {
    const codec = lines({ ending, maxLength: 4, encoding: null })
    const end = ending === 'lf' ? '\n' : '\r\n'
    t.same(decodeAtEveryCut(codec, `abcd${end}`, { maxFrameLength: 1 }), { messages: ['abcd'], error: null }, ending)
    t.match(decodeAtEveryCut(codec, `a${end}abcde${end}`), { messages: ['a'], error: /^ERR_FRAME_TOO_LONG .* limit is 4 bytes/ }, ending)
    t.same(encode(codec, bytesOf('abcd')).length, 4 + (ending.startsWith('crlf') ? 2 : 1))
    t.throws(() => codec.encode(bytesOf('abcde')), RangeError)
  }
  const text = lines({ ending: 'lf', maxLength: 4 })
  t.same(encode(text, 'éé'), Buffer.from('éé\n'))
  t.throws(() => text.encode('ééa'), { name: 'RangeError', message: /at most 4 bytes\. Received 5/ })
  t.end()
})

t.test('lines: refuses to write what would be read as two lines, or not at all', (t) => {
  const refused: Readonly<Record<string, readonly string[]>> = {
    crlf: ['\r', '\n', '\r\n', 'a\rb', 'a\nb'],
    'crlf lenient': ['\r\n', 'a\r\nb', 'a\n\r\n'],
    lf: ['\n', 'a\r\n'],
    'lf lenient': ['\n'],
    'crlf-or-lf': ['\r', '\n', 'a\r'],
    'crlf-or-lf lenient': ['\n', '\r\n'],
    universal: ['\r', '\n'],
    'universal lenient': ['\r', '\n'],
  }
  const accepted: Readonly<Record<string, readonly string[]>> = {
    crlf: ['', 'a'],
    'crlf lenient': ['\r', '\n', 'a\n\rb', 'a\r'],
    lf: ['\r', 'a\r'],
    'lf lenient': ['\r'],
    'crlf-or-lf': ['a'],
    'crlf-or-lf lenient': ['\r', 'a\rb\r'],
    universal: ['a'],
    'universal lenient': ['a'],
  }
  for (const name of Object.keys(refused)) {
    const [ending, lenient] = name.split(' ') as [LineEnding, string?]
    const options = { ending, strict: lenient === undefined }
    const text = lines(options)
    const bytes = lines({ ...options, encoding: null })
    for (const line of refused[name] as readonly string[]) {
      const error = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE', message: /line without (LF|CR LF|CR or LF) in it/ }
      t.throws(() => text.encode(line), error, `${name} ${JSON.stringify(line)}`)
      t.throws(() => bytes.encode(bytesOf(line)), error, `${name} ${JSON.stringify(line)}`)
    }
    for (const line of accepted[name] as readonly string[]) {
      t.same(decodeAtEveryCut(text, encode(text, line)), { messages: [line], error: null }, `${name} ${JSON.stringify(line)}`)
      t.same(decodeAtEveryCut(bytes, encode(bytes, bytesOf(line))), { messages: [line], error: null })
    }
  }
  t.throws(() => lines({ ending: 'lf' }).encode(5 as never), { message: /must be a string\. Received 5/ })
  t.throws(() => lines({ ending: 'lf', encoding: null }).encode('a' as never), { message: /must be a Uint8Array/ })
  t.end()
})

t.test('lines: reads what it wrote', (t) => {
  const character = fc.constantFrom('\r', '\n', 'a', 'é', '\u2028', '\0')
  const property = fc.property(
    fc.constantFrom(...ENDINGS),
    fc.boolean(),
    fc.array(fc.string({ unit: character })),
    fc.infiniteStream(fc.nat()),
    (ending, strict, texts, numbers) => {
      const codec = lines({ ending, strict })
      const written = texts.filter((text) => !throws(() => codec.encode(text)))
      const wire = Buffer.concat(written.map((text) => encode(codec, text)))
      const positions = Array.from({ length: 5 }, () => (numbers.next().value as number) % (wire.length + 1)).toSorted((a, b) => a - b)
      const ends = [...positions, wire.length]
      const chunks = ends.map((end, index) => wire.subarray(ends[index - 1] ?? 0, end))
      const read = decode(codec, chunks)
      return read.error === null && JSON.stringify(read.messages) === JSON.stringify(written)
    },
  )
  t.doesNotThrow(() => fc.assert(property))
  t.end()
})

t.test('lines: under universal, is right for any cut', (t) => {
  const text = fc.string({ unit: fc.constantFrom('\r', '\n', 'a') })
  const property = fc.property(
    text.chain((wire) => fc.tuple(fc.constant(wire), randomCuts(bytesOf(wire)))),
    ([wire, chunks]) => {
      const wanted = wire.split(/\r\n|\r|\n/)
      if (wanted.at(-1) === '') wanted.pop()
      return JSON.stringify(decode(lines({ ending: 'universal', tail: 'emit' }), chunks).messages) === JSON.stringify(wanted)
    },
  )
  t.doesNotThrow(() => fc.assert(property))
  t.end()
})

t.test('lines: checks its options', (t) => {
  const rows: readonly (readonly [unknown, string])[] = [
    [undefined, 'options'],
    [{}, 'options.ending'],
    [{ ending: 'cr' }, 'options.ending'],
    [{ ending: 'lf', strict: 1 }, 'options.strict'],
    [{ ending: 'lf', encoding: 'latin1' }, 'options.encoding'],
    [{ ending: 'lf', maxLength: 0 }, 'options.maxLength'],
    [{ ending: 'lf', tail: 'drop' }, 'options.tail'],
  ]
  for (const [options, name] of rows) t.throws(() => lines(options as LinesOptions & { encoding: null }), { message: new RegExp(`"${name}"`) }, name)
  t.end()
})

function throws(action: () => unknown): boolean {
  try {
    action()
    return false
  } catch {
    return true
  }
}
