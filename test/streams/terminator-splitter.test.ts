import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'
import { PassThrough, Readable, Writable } from 'node:stream'
import type { Duplex, Transform } from 'node:stream'
import { text } from 'node:stream/consumers'
import { finished, pipeline } from 'node:stream/promises'
import { createGzip, gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'
import { FramingError, TerminatorSplitter } from '../../src/index.js'
import { openSplitter } from '../../src/streams/terminator-splitter.js'
import type {
  FrameDetails,
  FramePiece,
  Terminator,
  TerminatorSplitterOptions
} from '../../src/index.js'
import { closed, consumers, ended, listOf, settled, textOf, turns, withinTurns } from '../support/consumers.js'
import { chunkSizes, codeOf, cut, holds } from '../support/scripts.js'

/** All frames of an input, given in chunks. */
const framesOf = async (
  terminator: Terminator,
  options: TerminatorSplitterOptions,
  chunks: readonly (string | Uint8Array)[]
): Promise<unknown[]> => {
  const splitter = new TerminatorSplitter(terminator, options)
  const frames: unknown[] = []
  splitter.on('data', frame => frames.push(frame))
  for (const chunk of chunks) splitter.write(chunk)
  splitter.end()
  await withinTurns(ended(splitter))
  return frames
}

const strings = async (
  terminator: Terminator,
  options: TerminatorSplitterOptions,
  chunks: readonly (string | Uint8Array)[]
): Promise<string[]> => (await framesOf(terminator, options, chunks)).map(String)

const collect = (splitter: Readable): unknown[] => {
  const frames: unknown[] = []
  splitter.on('data', frame => frames.push(frame))
  return frames
}

const thrownBy = (action: () => unknown): { name: string; code: string; message: string } => {
  try {
    action()
  } catch (error) {
    const { name, message } = error as Error
    return { name, message, code: codeOf(error) }
  }
  return { name: 'nothing', code: 'nothing', message: 'nothing was thrown' }
}

const sleep = (ms: number): Promise<void> =>
  new Promise(resolve => {
    setTimeout(resolve, ms)
  })

/** The promise, or a rejection when it has not settled after many short sleeps: for what waits for a timer. */
const soon = async <T>(promise: Promise<T>): Promise<T> => {
  const isSettled = settled(promise)
  for (let i = 0; i < 150 && !isSettled(); i++) await sleep(20)
  if (!isSettled()) throw new Error('Standstill: nothing settled')
  return promise
}

/** How a stream came to its end: 'end', or the code of its error, or 'close'. */
const outcomeOf = (stream: Readable): Promise<string> =>
  new Promise(resolve => {
    stream.on('end', () => resolve('end'))
    stream.on('error', error => resolve(codeOf(error)))
    stream.on('close', () => resolve('close'))
  })

// -- frames ------------------------------------------------------------------

const plain: {
  name: string
  terminator: Terminator
  options?: TerminatorSplitterOptions
  input: string
  want: string[]
}[] = [
  { name: 'lines', terminator: '\n', input: 'a\nb\n', want: ['a', 'b'] },
  { name: 'a tail without its delimiter', terminator: '\n', input: 'a\nb', want: ['a', 'b'] },
  { name: 'empty frames', terminator: '\n', input: '\n\na\n\n', want: ['', '', 'a', ''] },
  { name: 'no empty tail', terminator: '\r\n', input: 'a\r\n', want: ['a'] },
  { name: 'a tail of half a delimiter', terminator: '\r\n', input: 'a\r\nb\r', want: ['a', 'b\r'] },
  { name: 'a delimiter that nearly began twice', terminator: 'aab', input: 'aaab.aab', want: ['a', '.'] },
  { name: 'bytes as delimiter', terminator: Buffer.from('--'), input: 'a--b-c', want: ['a', 'b-c'] },
  { name: 'a delimiter of more bytes than letters', terminator: '€', input: 'a€b', want: ['a', 'b'] },
  { name: 'any of a set', terminator: ['\r\n', '\n', '\0'], input: 'a\nb\r\nc\0d', want: ['a', 'b', 'c', 'd'] },
  { name: 'the longest of a set on a tie', terminator: ['\n', '\r\n'], input: 'a\r\nb', want: ['a', 'b'] },
  { name: 'a count, again and again', terminator: 2, input: 'abcdef', want: ['ab', 'cd', 'ef'] },
  { name: 'a count once', terminator: 2, options: { rearmCount: false }, input: 'abcdef', want: ['ab', 'cdef'] },
  { name: 'a count of 0, then everything', terminator: 0, input: 'abc', want: ['', 'abc'] },
  { name: 'everything under null', terminator: null, input: 'a\nb', want: ['a\nb'] },
  { name: 'a rule', terminator: { until: ';' }, input: 'a;b', want: ['a', 'b'] },
  { name: 'kept delimiters', terminator: '\r\n', options: { keepTerminator: true }, input: 'a\r\nb\r\n\r\nc', want: ['a\r\n', 'b\r\n', '\r\n', 'c'] },
  { name: 'a dropped tail', terminator: '\n', options: { tail: 'drop' }, input: 'a\nb', want: ['a'] },
  { name: 'an emitted tail of a count', terminator: 2, options: { tail: 'emit' }, input: 'abc', want: ['ab', 'c'] },
  { name: 'truncated frames', terminator: '\n', options: { maxFrameLength: 2, overflow: 'truncate' }, input: 'ab\nabc\nd\n', want: ['ab', 'ab', 'd'] },
  { name: 'discarded frames', terminator: '\n', options: { maxFrameLength: 2, overflow: 'discard' }, input: 'ab\nabc\nd\n', want: ['ab', 'd'] },
  { name: 'a frame after a discard whose delimiter it cut', terminator: '\r\n', options: { maxFrameLength: 2, overflow: 'discard' }, input: 'abc\r\nd\r\n', want: ['d'] },
  { name: 'no empty frames with skipEmpty', terminator: '\n', options: { skipEmpty: true }, input: '\n\na\n\nb\n\n', want: ['a', 'b'] },
  { name: 'empty frames of a count of 0 with skipEmpty', terminator: 0, options: { skipEmpty: true }, input: 'a', want: ['', 'a'] },
  { name: 'kept delimiters with skipEmpty', terminator: '\n', options: { skipEmpty: true, keepTerminator: true }, input: '\na\n', want: ['\n', 'a\n'] },
  { name: 'nothing', terminator: '\n', input: '', want: [] }
]

t.test('TerminatorSplitter: gives the frames of its terminator, whole and byte by byte', async t => {
  for (const { name, terminator, options = {}, input, want } of plain) {
    const bytes = [...Buffer.from(input)].map(byte => Buffer.of(byte))
    const isPassing = terminator === null || terminator === 0 || options.rearmCount === false
    const join = (frames: string[]): string[] => (isPassing ? [frames.join('')] : frames)
    t.same(await strings(terminator, options, [Buffer.from(input)]), want, name)
    t.same(join(await strings(terminator, options, bytes)), join(want), `${name}, byte by byte`)
  }
})

t.test('TerminatorSplitter: has null for a terminator when none is given', async t => {
  const splitter = new TerminatorSplitter()
  t.equal(splitter.getTerminator(), null)
  const frames = collect(splitter)
  splitter.end('a\nb')
  await turns(3)
  t.same(frames.map(String), ['a\nb'])
})

t.test('TerminatorSplitter: needs no new end of line before a new frame', async t => {
  const splitter = new TerminatorSplitter('\r\n\r\n')
  const frames: string[] = []
  splitter.on('data', (frame: Buffer) => {
    frames.push(frame.toString())
    const length = /length: (\d+)/.exec(frame.toString())?.[1]
    splitter.setTerminator(length === undefined ? '\r\n\r\n' : Number(length))
  })
  splitter.end('POST\r\nlength: 5\r\n\r\nhelloGET\r\n\r\nPOST\r\nlength: 2\r\n\r\n\r\n')
  await withinTurns(ended(splitter))
  t.same(frames, ['POST\r\nlength: 5', 'hello', 'GET', 'POST\r\nlength: 2', '\r\n'])
})

t.test('TerminatorSplitter: gives Buffers, whatever bytes were written', async t => {
  const splitter = new TerminatorSplitter('\n')
  const frames = collect(splitter)
  splitter.write(new Uint8Array([97, 10]))
  splitter.write(Buffer.from('b'))
  splitter.write('c\n')
  splitter.end(new Uint8Array([100]))
  await withinTurns(ended(splitter))
  t.same(frames, [Buffer.from('a'), Buffer.from('bc'), Buffer.from('d')])
  t.ok(frames.every(frame => Buffer.isBuffer(frame)))
})

t.test('TerminatorSplitter: takes string writes in their encoding', async t => {
  const splitter = new TerminatorSplitter('\n')
  const frames = collect(splitter)
  splitter.write('é\n')
  splitter.write('e9', 'hex')
  splitter.write('\n', 'latin1')
  splitter.write('é\n', 'latin1')
  splitter.write(Buffer.from('x\n').toString('base64'), 'base64')
  splitter.setDefaultEncoding('latin1')
  splitter.end('é')
  await withinTurns(ended(splitter))
  t.same(frames, ['é', '\xe9', '\xe9', 'x', '\xe9'].map((s, i) => Buffer.from(s, i === 0 ? 'utf8' : 'latin1')))
})

t.test('TerminatorSplitter: takes empty writes', async t => {
  t.same(await strings('\n', {}, [Buffer.alloc(0), 'a', '', '\n', '']), ['a'])
})

t.test('TerminatorSplitter: answers getTerminator()', async t => {
  const splitter = new TerminatorSplitter('\r\n')
  t.equal(splitter.getTerminator(), '\r\n')
  const rule = { until: ';', maxFrameLength: 5 }
  splitter.setTerminator(rule)
  t.equal(splitter.getTerminator(), rule)
  splitter.setTerminator(5)
  t.equal(splitter.getTerminator(), 5)
  const frames = collect(splitter)
  splitter.write('abc')
  await turns(3)
  t.equal(splitter.getTerminator(), 2, 'the bytes still missing')
  splitter.setTerminator(4)
  await turns(3)
  t.equal(splitter.getTerminator(), 1, 'a new count looks at the unfinished bytes again')
  splitter.write('de')
  await turns(3)
  t.same(frames.map(String), ['abcd'])
  t.equal(splitter.getTerminator(), 3)
  splitter.setTerminator(null)
  t.equal(splitter.getTerminator(), null)
  splitter.setTerminator(0)
  await turns(3)
  t.equal(splitter.getTerminator(), null, 'a count of 0 is null after its frame')
})

t.test('TerminatorSplitter: copies a delimiter when it is set', async t => {
  const delimiter = Buffer.from(';')
  const splitter = new TerminatorSplitter(delimiter)
  delimiter[0] = 10
  const frames = collect(splitter)
  splitter.end('a;b\nc')
  await turns(3)
  t.same(frames.map(String), ['a', 'b\nc'])
})

// -- encoding ----------------------------------------------------------------

const ENCODINGS: BufferEncoding[] = [
  'utf8', 'utf-8', 'utf16le', 'utf-16le', 'ucs2', 'ucs-2', 'latin1', 'binary', 'ascii', 'hex', 'base64', 'base64url'
]

t.test('TerminatorSplitter: decodes each frame as Buffer#toString does, in every encoding', async t => {
  const bytes = Buffer.from(Array.from({ length: 256 }, (_unused, i) => i))
  const input = Buffer.concat([bytes, Buffer.from('\0\0é€😀\n\n'), bytes])
  const parts = (await framesOf(Buffer.of(10), {}, [input])) as Buffer[]
  for (const encoding of ENCODINGS) {
    for (const sizes of [[input.length], [1], [3, 5, 2]]) {
      const frames = await framesOf(Buffer.of(10), { encoding }, cut(input, sizes))
      t.same(frames, parts.map(part => part.toString(encoding)), `${encoding}, chunks of ${sizes.join()}`)
    }
  }
})

t.test('TerminatorSplitter: decodes frames of a count in every encoding', async t => {
  const input = Buffer.from('é€😀 abc \u{feff} xyz')
  for (const encoding of ENCODINGS) {
    for (const count of [1, 2, 3, 5]) {
      const parts = (await framesOf(count, { tail: 'emit' }, [input])) as Buffer[]
      for (const sizes of [[input.length], [1], [2, 3]]) {
        const frames = await framesOf(count, { encoding, tail: 'emit' }, cut(input, sizes))
        t.same(frames, parts.map(part => part.toString(encoding)), `${encoding}, count ${count}`)
      }
    }
  }
})

t.test('TerminatorSplitter: streams text under null in every encoding', async t => {
  const input = Buffer.from('é€😀\u{feff} abc \n\u{1f468}\u{200d}\u{1f469}. ')
  for (const encoding of ENCODINGS) {
    for (const sizes of [[input.length], [1], [2, 3], [5, 1]]) {
      const frames = (await framesOf(null, { encoding }, cut(input, sizes))) as string[]
      t.equal(frames.join(''), input.toString(encoding), `${encoding}, chunks of ${sizes.join()}`)
      t.ok(frames.every(frame => typeof frame === 'string' && frame !== ''), 'no piece is empty')
    }
  }
})

t.test('TerminatorSplitter: streams invalid text under null as if it were whole', async t => {
  const inputs = ['ff', 'c3', '61c3', 'e282', '61e282', 'f09f98', 'c328', 'a641ffeda6eded', 'eda080', 'f8888080', '61f0', 'efbbbf61efbb']
  for (const hex of inputs) {
    const input = Buffer.from(hex, 'hex')
    for (const sizes of [[100], [1], [2, 1]]) {
      const frames = (await framesOf(null, { encoding: 'utf8' }, cut(input, sizes))) as string[]
      t.equal(frames.join(''), input.toString('utf8'), `${hex}, chunks of ${sizes.join()}`)
    }
  }
})

t.test('TerminatorSplitter: decodes valid and invalid UTF-8 frames as a TextDecoder does', async t => {
  const unit = fc.constantFrom('61', '0a', '3b', 'c3', 'a9', 'e2', '82', 'ac', 'f0', '9f', '98', '80', 'ed', 'a0', 'ff', 'efbbbf', 'c3a9', 'f09f9880')
  const whole = new TextDecoder('utf-8', { ignoreBOM: true })
  await t.resolves(
    fc.assert(
      fc.asyncProperty(
        fc.array(unit, { maxLength: 20 }).map(units => Buffer.from(units.join(''), 'hex')),
        chunkSizes,
        fc.constantFrom<Terminator>('\n', ['\n', ';'], 3, 'é'),
        async (input, sizes, terminator) => {
          const parts = (await framesOf(terminator, { tail: 'emit' }, [input])) as Buffer[]
          const frames = await framesOf(terminator, { tail: 'emit', encoding: 'utf8' }, cut(input, sizes))
          const want = parts.map(part => whole.decode(part))
          if (JSON.stringify(frames) !== JSON.stringify(want)) {
            throw new Error(`${JSON.stringify(frames)} is not ${JSON.stringify(want)}`)
          }
        }
      ),
      { numRuns: 400 }
    )
  )
})

t.test('TerminatorSplitter: keeps a byte order mark', async t => {
  t.same(await framesOf('\n', { encoding: 'utf8' }, ['\u{feff}a\n\u{feff}b']), ['\u{feff}a', '\u{feff}b'])
  t.same((await framesOf(null, { encoding: 'utf8' }, [Buffer.of(0xef, 0xbb), Buffer.of(0xbf, 97)])).join(''), '\u{feff}a')
})

t.test('TerminatorSplitter: keeps the bytes of a half character for the next terminator', async t => {
  for (const next of ['\n', 3, { until: '\n' }] satisfies Terminator[]) {
    const splitter = new TerminatorSplitter(null, { encoding: 'utf8' })
    const frames = collect(splitter)
    const [head, tail] = [Buffer.from('ab€').subarray(0, 4), Buffer.from('ab€').subarray(4)]
    splitter.write(head)
    await turns(3)
    t.same(frames, ['ab'], 'whole characters come at once')
    splitter.setTerminator(next)
    await turns(3)
    t.same(frames, ['ab'])
    splitter.write(tail)
    splitter.write('\n')
    await turns(3)
    t.same(frames, ['ab', '€'])
    splitter.destroy()
  }
})

t.test('TerminatorSplitter: gives a half character at the end of the input', async t => {
  const splitter = new TerminatorSplitter(null, { encoding: 'utf8' })
  const frames = collect(splitter)
  splitter.write(Buffer.from('a€').subarray(0, 3))
  await turns(3)
  t.same(frames, ['a'])
  splitter.end()
  await turns(3)
  t.same(frames, ['a', '\u{fffd}'])
  t.equal(splitter.readableEnded, true)
})

t.test('TerminatorSplitter: counts a half character when the terminator is a count of 1', async t => {
  const splitter = new TerminatorSplitter(null, { encoding: 'utf8', details: true })
  const frames: { data: string; offset: number }[] = []
  splitter.on('data', ({ data, offset }: { data: string; offset: number }) => {
    frames.push({ data, offset })
  })
  splitter.write(Buffer.from('a€').subarray(0, 3))
  await turns(3)
  splitter.setTerminator(1)
  await turns(3)
  t.same(frames, [
    { data: 'a', offset: 0 },
    { data: '\u{fffd}', offset: 1 },
    { data: '\u{fffd}', offset: 2 }
  ])
  splitter.destroy()
})

t.test('TerminatorSplitter: takeUnread() gives the bytes of a half character', async t => {
  const splitter = new TerminatorSplitter(null, { encoding: 'utf8' })
  const frames = collect(splitter)
  const bytes = Buffer.from('ab€')
  splitter.write(bytes.subarray(0, 4))
  await turns(3)
  t.same(frames, ['ab'])
  t.same(splitter.takeUnread(), bytes.subarray(2, 4))
  splitter.end('x')
  await turns(3)
  t.same(frames, ['ab', 'x'], 'and it is forgotten')
})

t.test('TerminatorSplitter: has text and takeUnread() make up the bytes, in every encoding', async t => {
  const unit = fc.constantFrom('61', 'c3a9', 'e282ac', 'f09f9880', 'c3', 'e282', 'f0', '80', 'ff', 'eda0', '3dd8', '00de')
  const bytes = fc.array(unit, { maxLength: 10 }).map(units => Buffer.from(units.join(''), 'hex'))
  await holds(
    t,
    'decoded + unread = written',
    fc.asyncProperty(bytes, chunkSizes, fc.constantFrom(...ENCODINGS), async (input, sizes, encoding) => {
      const splitter = new TerminatorSplitter(null, { encoding })
      const frames = collect(splitter)
      for (const chunk of cut(input, sizes)) splitter.write(chunk)
      await turns(2)
      const unread = splitter.takeUnread()
      splitter.destroy()
      const delivered = input.length - unread.length
      assert.deepEqual(unread, input.subarray(delivered))
      assert.equal(frames.join(''), input.subarray(0, delivered).toString(encoding))
      assert.ok(unread.length < 4, 'no more than a character is held')
    }),
    1000
  )
})

t.test('TerminatorSplitter: puts pushBack() before a half character', async t => {
  const splitter = new TerminatorSplitter(null, { encoding: 'utf8' })
  const frames = collect(splitter)
  const bytes = Buffer.from('a€')
  splitter.write(bytes.subarray(0, 2))
  await turns(3)
  splitter.pushBack(Buffer.from('x'))
  await turns(3)
  splitter.end(bytes.subarray(2))
  await turns(3)
  t.equal(frames.join(''), 'ax€')
})

t.test('TerminatorSplitter: streams base64 under null in whole groups', async t => {
  const input = Buffer.from('any carnal pleasure')
  const frames = (await framesOf(null, { encoding: 'base64' }, cut(input, [4, 1, 7]))) as string[]
  t.equal(frames.join(''), input.toString('base64'))
})

t.test('TerminatorSplitter: switches from text under null inside a handler', async t => {
  for (const consumer of consumers) {
    const splitter = new TerminatorSplitter('\n', { encoding: 'utf8' })
    const frames: string[] = []
    const done = consumer.consume(splitter, frame => {
      frames.push(frame as string)
      if (frame === 'raw') splitter.setTerminator(null)
      else if ((frame as string).includes('!')) splitter.setTerminator('\n')
    })
    const bytes = Buffer.from('raw\né!')
    splitter.write(Buffer.concat([bytes, Buffer.from('€').subarray(0, 2)]))
    await turns(10)
    splitter.end(Buffer.concat([Buffer.from('€').subarray(2), Buffer.from('\nlast\n')]))
    await withinTurns(done)
    t.same(frames, ['raw', 'é!', '€', 'last'], consumer.name)
  }
})

// -- pieces and details ------------------------------------------------------

/** Pieces with those of one frame joined: [bytes, ending]. */
const joined = (pieces: readonly FramePiece[]): [string, string | null][] => {
  const frames: [string, string | null][] = []
  let isOpen = false
  for (const { data, ending } of pieces) {
    const last = frames.at(-1)
    if (isOpen && last) {
      last[0] += data.toString()
      last[1] = ending
    } else frames.push([data.toString(), ending])
    isOpen = ending === null
  }
  return frames
}

t.test('TerminatorSplitter: gives pieces with their ending', async t => {
  const cases: { terminator: Terminator; input: string; want: [string, string][] }[] = [
    { terminator: '\r\n', input: 'ab\r\n\r\nc', want: [['ab', 'terminator'], ['', 'terminator'], ['c', 'eof']] },
    { terminator: 3, input: 'abcdef', want: [['abc', 'count'], ['def', 'count']] },
    { terminator: ['--', '\n'], input: 'a-b--c\n-', want: [['a-b', 'terminator'], ['c', 'terminator'], ['-', 'eof']] }
  ]
  for (const { terminator, input, want } of cases) {
    for (const sizes of [[100], [1], [2], [3, 1]]) {
      const pieces = await framesOf(terminator, { pieces: true }, cut(Buffer.from(input), sizes))
      t.same(joined(pieces as FramePiece[]), want, `${JSON.stringify(terminator)}, chunks of ${sizes.join()}`)
    }
  }
})

t.test('TerminatorSplitter: gives a piece as soon as it is there', async t => {
  const splitter = new TerminatorSplitter('\r\n', { pieces: true })
  const pieces = collect(splitter) as FramePiece[]
  splitter.write('abc\r')
  await turns(3)
  t.same(pieces, [{ data: Buffer.from('abc'), ending: null }], 'only what may begin a delimiter is held')
  splitter.write('x')
  await turns(3)
  t.equal(pieces.map(piece => piece.data.toString()).join(''), 'abc\rx')
  splitter.write('\r\n')
  await turns(3)
  t.equal(pieces.at(-1)?.ending, 'terminator')
})

t.test('TerminatorSplitter: gives pieces of a frame that is longer than any buffer', async t => {
  const splitter = new TerminatorSplitter(1_000_000, { pieces: true })
  let length = 0
  let held = 0
  splitter.on('data', ({ data }: FramePiece) => {
    length += data.length
    held = Math.max(held, data.length)
  })
  for (let i = 0; i < 100; i++) splitter.write(Buffer.alloc(10_000))
  splitter.end()
  await withinTurns(ended(splitter))
  t.equal(length, 1_000_000)
  t.ok(held <= 10_000)
})

t.test('TerminatorSplitter: gives limit bytes in pieces before the error', async t => {
  for (const sizes of [[100], [1], [3]]) {
    const splitter = new TerminatorSplitter('\n', { pieces: true, maxFrameLength: 4 })
    const pieces = collect(splitter) as FramePiece[]
    const outcome = outcomeOf(splitter)
    for (const chunk of cut(Buffer.from('ab\ntoo long\n'), sizes)) splitter.write(chunk)
    t.equal(await withinTurns(outcome), 'ERR_FRAME_TOO_LONG')
    t.equal(pieces.map(piece => piece.data.toString()).join(''), 'abtoo ', `chunks of ${sizes.join()}`)
  }
})

t.test('TerminatorSplitter: gives details', async t => {
  const cases: {
    terminator: Terminator
    options?: TerminatorSplitterOptions
    input: string
    want: [string, number, string, number][]
  }[] = [
    { terminator: '\r\n', input: 'ab\r\n\r\nc', want: [['ab', 0, 'terminator', 0], ['', 4, 'terminator', 0], ['c', 6, 'eof', 0]] },
    { terminator: ['\n', ';;'], input: 'a;;b\nc\n', want: [['a', 0, 'terminator', 1], ['b', 3, 'terminator', 0], ['c', 5, 'terminator', 0]] },
    { terminator: 2, input: 'abcd', want: [['ab', 0, 'count', 0], ['cd', 2, 'count', 0]] },
    { terminator: '\n', options: { maxFrameLength: 2, overflow: 'truncate' }, input: 'abc\nd', want: [['ab', 0, 'truncated', 0], ['d', 4, 'eof', 0]] },
    { terminator: '\n', options: { maxFrameLength: 2, overflow: 'discard' }, input: 'abc\nd\n', want: [['d', 4, 'terminator', 0]] },
    { terminator: '\n', options: { keepTerminator: true }, input: 'a\nb\n', want: [['a\n', 0, 'terminator', 0], ['b\n', 2, 'terminator', 0]] },
    { terminator: '\n', options: { skipEmpty: true }, input: '\n\na\n', want: [['a', 2, 'terminator', 0]] }
  ]
  for (const { terminator, options, input, want } of cases) {
    for (const sizes of [[100], [1], [2, 1]]) {
      const frames = (await framesOf(terminator, { ...options, details: true }, cut(Buffer.from(input), sizes))) as FrameDetails[]
      t.same(
        frames.map(({ data, offset, ending, matched }) => [data.toString(), offset, ending, matched]),
        want,
        `${JSON.stringify(terminator)} ${JSON.stringify(options)}, chunks of ${sizes.join()}`
      )
    }
  }
})

t.test('TerminatorSplitter: gives details of text, offsets in bytes', async t => {
  const frames = await framesOf('\n', { details: true, encoding: 'utf8' }, ['é\n€\nx'])
  t.same(frames, [
    { data: 'é', offset: 0, ending: 'terminator', matched: 0 },
    { data: '€', offset: 3, ending: 'terminator', matched: 0 },
    { data: 'x', offset: 7, ending: 'eof', matched: 0 }
  ])
})

t.test('TerminatorSplitter: gives details of what passes under null', async t => {
  const frames = (await framesOf(null, { details: true }, ['ab', 'c'])) as FrameDetails[]
  t.equal(frames.map(frame => frame.data.toString()).join(''), 'abc')
  let offset = 0
  for (const frame of frames) {
    t.equal(frame.offset, offset)
    t.equal(frame.ending, 'piece')
    offset += frame.data.length
  }
})

t.test('TerminatorSplitter: gives details of text that passes under null, a held character where it began', async t => {
  const splitter = new TerminatorSplitter(null, { details: true, encoding: 'utf8' })
  const frames = collect(splitter)
  const input = Buffer.from('a€bé')
  for (const chunk of cut(input, [2, 3, 1])) {
    splitter.write(chunk)
    await turns(2)
  }
  splitter.end()
  await turns(3)
  const piece = { ending: 'piece', matched: 0 }
  t.same(frames, [
    { data: 'a', offset: 0, ...piece },
    { data: '€b', offset: 1, ...piece },
    { data: 'é', offset: 5, ...piece }
  ])
  const broken = (await framesOf(null, { details: true, encoding: 'utf8' }, [input.subarray(0, 3)])) as object[]
  t.same(broken, [
    { data: 'a', offset: 0, ...piece },
    { data: '\u{fffd}', offset: 1, ...piece }
  ])
})

t.test('TerminatorSplitter: skips empty frames in pieces, and no ending of another', async t => {
  const splitter = new TerminatorSplitter('\n', { pieces: true, skipEmpty: true })
  const pieces = collect(splitter) as FramePiece[]
  for (const chunk of ['\n\nab', '\n', '\n', 'c\n\n']) {
    splitter.write(chunk)
    await turns(2)
  }
  splitter.end()
  await turns(2)
  t.same(
    pieces.map(({ data, ending }) => [data.toString(), ending]),
    [['ab', null], ['', 'terminator'], ['c', 'terminator']]
  )
})

t.test('TerminatorSplitter: gives pieces with details', async t => {
  const splitter = new TerminatorSplitter(['\n', ';'], { pieces: true, details: true })
  const frames = collect(splitter)
  splitter.write('x\nab')
  await turns(3)
  splitter.write('c;')
  await turns(3)
  t.match(frames, [
    { data: Buffer.from('x'), offset: 0, ending: 'terminator', matched: 0 },
    { data: Buffer.from('ab'), offset: 2, ending: null },
    { data: Buffer.from('c'), ending: 'terminator', matched: 1 }
  ])
})

t.test('TerminatorSplitter: hands a FrameRule with pieces out in pieces', async t => {
  const splitter = new TerminatorSplitter('\n')
  const frames: unknown[] = []
  splitter.on('data', frame => {
    frames.push(frame)
    if (frames.length === 1) splitter.setTerminator({ until: 4, pieces: true })
  })
  splitter.write('head\nab')
  await turns(3)
  t.equal(frames.length, 2, 'the body comes as it arrives')
  splitter.end('cd')
  await turns(3)
  const bytes = frames.slice(1).map(frame => (Buffer.isBuffer(frame) ? frame : (frame as FramePiece).data))
  t.equal(Buffer.concat(bytes).toString(), 'abcd')
})

// -- copy --------------------------------------------------------------------

t.test('TerminatorSplitter: gives frames that own their memory with copy', async t => {
  for (const size of [3, 5000]) {
    const chunk = Buffer.from(`${'a'.repeat(size)}\n${'b'.repeat(size)}\n${'c'.repeat(size)}`)
    const cases: [Terminator, TerminatorSplitterOptions][] = [
      ['\n', {}],
      [size, { tail: 'drop' }],
      [null, {}],
      ['\n', { keepTerminator: true }]
    ]
    for (const [terminator, options] of cases) {
      const frames = (await framesOf(terminator, { ...options, copy: true }, [chunk])) as Buffer[]
      const label = `${JSON.stringify(terminator)}, ${size} bytes`
      const buffers = new Set<ArrayBufferLike>(frames.map(frame => frame.buffer))
      t.equal(buffers.size, frames.length, `${label}: no two share a buffer`)
      t.notOk(buffers.has(chunk.buffer), `${label}: nor with the chunk`)
      t.ok(frames.every(frame => frame.buffer.byteLength === frame.length), `${label}: nor with anything else`)
      t.ok(frames.every(frame => Buffer.isBuffer(frame)), label)
    }
  }
})

t.test('TerminatorSplitter: gives details and pieces that own their memory with copy', async t => {
  const chunk = Buffer.from('abc\ndef\n')
  for (const options of [{ details: true }, { pieces: true }] satisfies TerminatorSplitterOptions[]) {
    const frames = (await framesOf('\n', { ...options, copy: true }, [chunk])) as FramePiece[]
    const before = frames.map(({ data }) => data.toString())
    chunk.fill('x')
    t.same(frames.map(({ data }) => data.toString()), before)
    t.ok(frames.every(({ data }) => data.buffer.byteLength === data.length))
    chunk.write('abc\ndef\n')
  }
})

t.test('TerminatorSplitter: gives frames that never change afterwards, with many small chunks too', async t => {
  const splitter = new TerminatorSplitter('\n')
  const frames = collect(splitter) as Buffer[]
  const want: string[] = []
  for (let i = 0; i < 300; i++) {
    const line = `line ${i} ${'.'.repeat(i % 40)}`
    want.push(line)
    for (const byte of Buffer.from(`${line}\n`)) splitter.write(Buffer.of(byte))
  }
  splitter.end()
  await withinTurns(ended(splitter))
  t.same(frames.map(String), want)
})

// -- limits and errors -------------------------------------------------------

t.test('TerminatorSplitter: fails with what is known of a frame that is too long', async t => {
  for (const sizes of [[100], [1], [4, 3]]) {
    const splitter = new TerminatorSplitter('\n', { maxFrameLength: 4 })
    const frames = collect(splitter)
    const failure = once(splitter, 'error')
    for (const chunk of cut(Buffer.from('a\nbb\ntoo long\nc\n'), sizes)) splitter.write(chunk)
    const [error] = await withinTurns(failure)
    t.same(frames.map(String), ['a', 'bb'], `chunks of ${sizes.join()}`)
    t.ok(error instanceof FramingError)
    t.match(error, { name: 'FramingError', code: 'ERR_FRAME_TOO_LONG', limit: 4, length: 5, offset: 5, framesBefore: 2 })
    t.equal(splitter.destroyed, true)
    t.equal(splitter.errored, error)
  }
})

t.test('TerminatorSplitter: has a limit of 1 MiB unless told otherwise', async t => {
  const splitter = new TerminatorSplitter('\n')
  const outcome = outcomeOf(splitter)
  const frames = collect(splitter) as Buffer[]
  splitter.write(Buffer.alloc(1024 * 1024, 'x'))
  splitter.write('\n')
  await turns(3)
  t.equal(frames[0]?.length, 1024 * 1024)
  splitter.write(Buffer.alloc(1024 * 1024 + 1, 'x'))
  t.equal(await withinTurns(outcome), 'ERR_FRAME_TOO_LONG')
  const unlimited = await framesOf('\n', { maxFrameLength: Infinity }, [Buffer.alloc(1024 * 1024 + 1, 'x'), '\n'])
  t.equal((unlimited[0] as Buffer).length, 1024 * 1024 + 1)
})

t.test('TerminatorSplitter: fails a count above the limit before its bytes come', async t => {
  const splitter = new TerminatorSplitter('\n', { maxFrameLength: 100 })
  const failure = once(splitter, 'error')
  splitter.on('data', () => {
    splitter.setTerminator(101)
  })
  splitter.write('a\n')
  const [error] = await withinTurns(failure)
  t.match(error, { code: 'ERR_FRAME_TOO_LONG', limit: 100, length: 101, offset: 2 })
})

t.test('TerminatorSplitter: lets a rule have limits of its own', async t => {
  const splitter = new TerminatorSplitter({ until: '\n', maxFrameLength: 3 }, { maxFrameLength: 5 })
  const frames: string[] = []
  const outcome = outcomeOf(splitter)
  splitter.on('data', frame => {
    frames.push(textOf(frame))
    if (frames.length === 1) splitter.setTerminator({ until: '\n', maxFrameLength: 10 })
    if (frames.length === 2) splitter.setTerminator({ until: '\n', maxFrameLength: 2, overflow: 'truncate' })
    if (frames.length === 3) splitter.setTerminator('\n')
  })
  splitter.write('abc\nabcdefghij\nabc\nabcdef\n')
  t.equal(await withinTurns(outcome), 'ERR_FRAME_TOO_LONG')
  t.same(frames, ['abc', 'abcdefghij', 'ab'])
})

t.test("TerminatorSplitter: emits 'overflow' when a discard ends, with the bytes", async t => {
  for (const sizes of [[100], [1], [5, 3]]) {
    const splitter = new TerminatorSplitter('\r\n', { maxFrameLength: 3, overflow: 'discard' })
    const log: unknown[] = []
    splitter.on('data', frame => log.push(textOf(frame)))
    splitter.on('overflow', (...values) => log.push(values))
    for (const chunk of cut(Buffer.from('ok\r\ntoo long\r\nabcd\r\nok\r\ntail too long'), sizes)) splitter.write(chunk)
    splitter.end()
    await withinTurns(ended(splitter))
    t.same(log, ['ok', [8], [4], 'ok', [13]], `chunks of ${sizes.join()}`)
  }
})

t.test("TerminatorSplitter: emits no 'overflow' for a truncated frame", async t => {
  const splitter = new TerminatorSplitter('\n', { maxFrameLength: 2, overflow: 'truncate' })
  let count = 0
  splitter.on('overflow', () => count++)
  const frames = collect(splitter)
  splitter.end('abc\nd\n')
  await turns(4)
  t.same(frames.map(String), ['ab', 'd'])
  t.equal(count, 0)
})

t.test("TerminatorSplitter: fails when an 'overflow' listener destroys it", async t => {
  const splitter = new TerminatorSplitter('\n', { maxFrameLength: 2, overflow: 'discard' })
  const frames = collect(splitter)
  splitter.on('overflow', () => splitter.destroy(new Error('enough')))
  const outcome = outcomeOf(splitter)
  splitter.write('a\nabc\nb\n')
  t.equal(await withinTurns(outcome), 'enough')
  t.same(frames.map(String), ['a'])
})

t.test('TerminatorSplitter: fails a count that is cut by the end, with its bytes', async t => {
  for (const sizes of [[100], [1]]) {
    const splitter = new TerminatorSplitter(4)
    const frames = collect(splitter)
    const failure = once(splitter, 'error')
    for (const chunk of cut(Buffer.from('abcdefg'), sizes)) splitter.write(chunk)
    splitter.end()
    const [error] = await withinTurns(failure)
    t.same(frames.map(String), ['abcd'])
    t.match(error, { name: 'FramingError', code: 'ERR_FRAME_INCOMPLETE', offset: 4 })
    t.equal(Buffer.from(error.bytes).toString(), 'efg')
  }
})

t.test('TerminatorSplitter: fails a cut tail when told to', async t => {
  const splitter = new TerminatorSplitter('\n', { tail: 'error' })
  const frames = collect(splitter)
  const outcome = outcomeOf(splitter)
  splitter.end('a\nb')
  t.equal(await withinTurns(outcome), 'ERR_FRAME_INCOMPLETE')
  t.same(frames.map(String), ['a'])
  t.same(await strings('\n', { tail: 'error' }, ['a\nb\n']), ['a', 'b'])
})

t.test('TerminatorSplitter: takeUnread() in an error handler gives the bytes from the bad frame on', async t => {
  const cases: { terminator: Terminator; options: TerminatorSplitterOptions; chunks: string[]; want: string }[] = [
    { terminator: '\n', options: { maxFrameLength: 4 }, chunks: ['a\ntoo long\nb\n'], want: 'too long\nb\n' },
    { terminator: '\n', options: { maxFrameLength: 4 }, chunks: ['a\nto', 'o lon', 'g\nb\n'], want: 'too long\nb\n' },
    { terminator: 2, options: {}, chunks: ['aabbc'], want: 'c' },
    { terminator: '\n', options: { tail: 'error' }, chunks: ['a\nb'], want: 'b' }
  ]
  for (const { terminator, options, chunks, want } of cases) {
    const splitter = new TerminatorSplitter(terminator, options)
    let unread: Buffer | null = null
    splitter.on('error', () => {
      unread = splitter.takeUnread()
    })
    for (const chunk of chunks) splitter.write(chunk)
    splitter.end()
    splitter.on('data', () => {})
    await withinTurns(closed(splitter))
    t.ok(Buffer.isBuffer(unread))
    t.equal(String(unread), want, JSON.stringify(chunks))
    t.equal(splitter.takeUnread().length, 0, 'nothing is held after it')
  }
})

t.test('TerminatorSplitter: holds nothing after an error', async t => {
  const splitter = new TerminatorSplitter('\n', { maxFrameLength: 4 })
  splitter.on('data', () => {})
  const outcome = outcomeOf(splitter)
  splitter.write('ok\ntoo long')
  t.equal(await withinTurns(outcome), 'ERR_FRAME_TOO_LONG')
  await turns(3)
  t.equal(splitter.takeUnread().length, 0)
  t.equal(splitter.readableLength, 0)
  t.equal(splitter.writableLength === 0 || splitter.destroyed, true)
})

t.test('TerminatorSplitter: destroys in the middle of a frame', async t => {
  for (const failure of [undefined, new Error('gone')]) {
    for (const isRead of [false, true]) {
      const splitter = new TerminatorSplitter('\n')
      const events: string[] = []
      for (const event of ['end', 'finish', 'error', 'close']) splitter.on(event, () => events.push(event))
      const frames = isRead ? collect(splitter) : []
      const called: (string | null)[] = []
      splitter.write('a\nunfinished', error => called.push(error ? codeOf(error) : null))
      splitter.write('more', error => called.push(error ? codeOf(error) : null))
      await turns(3)
      splitter.destroy(failure)
      splitter.destroy()
      await turns(4)
      t.same(frames.map(String), isRead ? ['a'] : [])
      t.same(events, failure ? ['error', 'close'] : ['close'], 'once each')
      t.equal(called.filter(code => code === null).length, isRead && called.length > 0 ? 2 : 0, 'no write succeeds falsely')
      const unread = splitter.takeUnread()
      t.ok(Buffer.isBuffer(unread))
      t.equal(unread.length, 0)
    }
  }
})

t.test('TerminatorSplitter: is harmless after a destroy', async t => {
  const splitter = new TerminatorSplitter('\n')
  const frames = collect(splitter)
  splitter.write('abc')
  await turns(2)
  splitter.destroy()
  t.equal(splitter.takeUnread().length, 0, 'at once too')
  splitter.setTerminator('b')
  t.equal(thrownBy(() => splitter.pushBack(Buffer.from('x\ny\n'))).code, 'ERR_INVALID_STATE')
  await turns(3)
  t.same(frames, [])
  t.equal(splitter.takeUnread().length, 0)
  t.equal(splitter.errored, null)
})

t.test('TerminatorSplitter: settles finished() and the writer of a stream that is destroyed', async t => {
  const splitter = new TerminatorSplitter('\n')
  const settled = finished(splitter)
  splitter.write('abc')
  splitter.destroy()
  await t.rejects(withinTurns(settled), { code: 'ERR_STREAM_PREMATURE_CLOSE' })
})

t.test('TerminatorSplitter: emits an error of a handler where the handler was called', async t => {
  // A throw in a 'data' listener is the listener's: it must leave no lock behind.
  const splitter = new TerminatorSplitter('\n')
  const frames: string[] = []
  splitter.on('readable', () => {
    let frame: unknown
    while ((frame = splitter.read()) !== null) frames.push(textOf(frame))
  })
  const failing = splitter.listenerCount('data')
  t.equal(failing, 0)
  splitter.on('overflow', () => {
    throw new Error('not reached')
  })
  splitter.end('a\nb')
  await withinTurns(ended(splitter))
  t.same(frames, ['a', 'b'])
})

t.test('TerminatorSplitter: goes on after a handler that threw', async t => {
  const splitter = new TerminatorSplitter('\n')
  const frames: string[] = []
  let hasThrown = false
  splitter.on('data', frame => {
    frames.push(textOf(frame))
    if (hasThrown) return
    hasThrown = true
    throw new Error('handler')
  })
  // The flow begins in a later tick; a write that is cut at once throws where it was called.
  await turns(2)
  const thrown = thrownBy(() => splitter.write('a\nb\n'))
  t.equal(thrown.message, 'handler', 'a native Transform does the same')
  await turns(3)
  t.same(frames, ['a', 'b'], 'what was written needs no further call')
  splitter.end('c\n')
  await turns(3)
  t.same(frames, ['a', 'b', 'c'])
})

// -- bad arguments -----------------------------------------------------------

const badTerminators: { value: unknown; name: string; code: string }[] = [
  ...[true, false, 5n, Symbol('s'), () => {}, {}, new Date(0)].map(value => ({
    value,
    name: 'TypeError',
    code: 'ERR_INVALID_ARG_TYPE'
  })),
  ...[-1, 1.5, Number.NaN, Infinity, -Infinity, 2 ** 53].map(value => ({
    value,
    name: 'RangeError',
    code: 'ERR_OUT_OF_RANGE'
  }))
]

t.test('TerminatorSplitter: refuses bad terminators in the call that sets them', async t => {
  const splitter = new TerminatorSplitter('\n')
  for (const { value, name, code } of badTerminators) {
    const label = typeof value === 'object' ? JSON.stringify(value) : textOf(value)
    for (const action of [
      () => new TerminatorSplitter(value as Terminator),
      () => {
        splitter.setTerminator(value as Terminator)
      },
      () => {
        splitter.setTerminator({ until: value as string })
      }
    ]) {
      const thrown = thrownBy(action)
      t.match(thrown, { name, code }, label)
      t.match(thrown.message, /terminator|until/i, label)
      if (typeof value === 'number') t.ok(thrown.message.includes(String(value)), thrown.message)
    }
  }
  // undefined is "not given" only for the constructor.
  for (const value of ['', Buffer.alloc(0), [], [''], ['a', Buffer.alloc(0)], [5], [null], ['ab', 'abc'], undefined]) {
    const thrown = thrownBy(() => {
      splitter.setTerminator(value as unknown as Terminator)
    })
    t.equal(thrown.name, 'TypeError', JSON.stringify(value) ?? 'undefined')
    t.match(thrown.code, /^ERR_INVALID_ARG_(TYPE|VALUE)$/)
  }
  const both = thrownBy(() => {
    splitter.setTerminator(['ab', 'xabc'])
  })
  t.ok(both.message.includes('ab') && both.message.includes('xabc'), 'names both')
  t.equal(splitter.getTerminator(), '\n', 'the old one stays')
  splitter.end('a\nb')
  const frames = collect(splitter)
  await turns(3)
  t.same(frames.map(String), ['a', 'b'])
})

const badOptions: { options: Record<string, unknown>; name: string }[] = [
  ...[0, -1, 1.5, Number.NaN, -Infinity].map(maxFrameLength => ({ options: { maxFrameLength }, name: 'RangeError' })),
  ...['5', null, {}, 5n, true].map(maxFrameLength => ({ options: { maxFrameLength }, name: 'TypeError' })),
  ...['no', 5, null, true].map(overflow => ({ options: { overflow }, name: 'TypeError' })),
  ...['no', 5, null, true].map(tail => ({ options: { tail }, name: 'TypeError' })),
  ...['rearmCount', 'keepTerminator', 'pieces', 'details', 'skipEmpty', 'copy'].flatMap(key =>
    ['yes', 1, {}].map(value => ({ options: { [key]: value }, name: 'TypeError' }))
  ),
  ...['no', 5, 'utf-7', {}].map(encoding => ({ options: { encoding }, name: 'TypeError' })),
  ...[-1, Number.NaN, -Infinity].map(frameTimeout => ({ options: { frameTimeout }, name: 'RangeError' })),
  ...['5', {}, 5n].map(frameTimeout => ({ options: { frameTimeout }, name: 'TypeError' })),
  ...[-1, Number.NaN, 1.5].map(writableHighWaterMark => ({ options: { writableHighWaterMark }, name: 'RangeError' })),
  ...['5', {}].map(writableHighWaterMark => ({ options: { writableHighWaterMark }, name: 'TypeError' })),
  ...[{}, 5, 'no'].map(signal => ({ options: { signal }, name: 'TypeError' }))
]

t.test('TerminatorSplitter: refuses bad options, naming option and value', async t => {
  for (const { options, name } of badOptions) {
    const thrown = thrownBy(() => new TerminatorSplitter('\n', options))
    const [key = '', value] = Object.entries(options)[0] ?? []
    const label = `${key}: ${typeof value} ${String(value)}`
    t.equal(thrown.name, name, label)
    t.match(thrown.code, name === 'RangeError' ? 'ERR_OUT_OF_RANGE' : /^ERR_INVALID_ARG_(TYPE|VALUE)$/, label)
    t.ok(thrown.message.includes(key), `${label}: ${thrown.message}`)
    if (typeof value !== 'object' && typeof value !== 'boolean') {
      t.ok(thrown.message.includes(textOf(value)), `${label}: ${thrown.message}`)
    }
  }
  for (const options of [5, 'no', true]) {
    const thrown = thrownBy(() => new TerminatorSplitter('\n', options as unknown as TerminatorSplitterOptions))
    t.match(thrown, { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }, `options ${String(options)}`)
  }
})

t.test('TerminatorSplitter: takes undefined for an option that is not given', async t => {
  const options = Object.fromEntries(
    ['maxFrameLength', 'overflow', 'tail', 'rearmCount', 'keepTerminator', 'encoding', 'pieces', 'details', 'skipEmpty', 'copy', 'frameTimeout', 'signal', 'writableHighWaterMark'].map(
      key => [key, undefined]
    )
  )
  t.same(await strings('\n', options, ['a\nb']), ['a', 'b'])
})

t.test('TerminatorSplitter: refuses options that exclude each other', async t => {
  const cases: TerminatorSplitterOptions[] = [
    { encoding: 'utf8', pieces: true },
    { overflow: 'discard', pieces: true }
  ]
  for (const options of cases) {
    const thrown = thrownBy(() => new TerminatorSplitter('\n', options))
    t.equal(thrown.name, 'TypeError', JSON.stringify(options))
    t.match(thrown.code, /^ERR_INVALID_ARG_(TYPE|VALUE)$/)
    t.match(thrown.message, /pieces|overflow|encoding/)
  }
})

t.test('TerminatorSplitter: refuses bad rules', async t => {
  const splitter = new TerminatorSplitter('\n')
  const cases: { rule: Record<string, unknown>; name: string }[] = [
    { rule: { until: '\n', maxFrameLength: 0 }, name: 'RangeError' },
    { rule: { until: '\n', maxFrameLength: 'x' }, name: 'TypeError' },
    { rule: { until: '\n', overflow: 'no' }, name: 'TypeError' },
    { rule: { until: '\n', frameTimeout: -1 }, name: 'RangeError' },
    { rule: { until: '\n', frameTimeout: 'x' }, name: 'TypeError' },
    { rule: { until: '\n', pieces: 'x' }, name: 'TypeError' },
    { rule: { until: '' }, name: 'TypeError' },
    { rule: { until: undefined }, name: 'TypeError' },
    { rule: { until: { until: '\n' } }, name: 'TypeError' },
    { rule: { until: '\n', pieces: true, overflow: 'discard' }, name: 'TypeError' }
  ]
  for (const { rule, name } of cases) {
    const thrown = thrownBy(() => {
      splitter.setTerminator(rule as unknown as Terminator)
    })
    t.equal(thrown.name, name, JSON.stringify(rule))
  }
  t.equal(splitter.getTerminator(), '\n')
  const text = new TerminatorSplitter('\n', { encoding: 'utf8' })
  t.equal(thrownBy(() => text.setTerminator({ until: 5, pieces: true })).name, 'TypeError')
})

t.test('TerminatorSplitter: refuses pushBack() of what is no bytes', async t => {
  const splitter = new TerminatorSplitter('\n')
  for (const value of ['x', 5, null, undefined, {}, [1]]) {
    const thrown = thrownBy(() => splitter.pushBack(value as Uint8Array))
    t.match(thrown, { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }, JSON.stringify(value) ?? 'undefined')
  }
  splitter.pushBack(new Uint8Array([97]))
  splitter.pushBack(Buffer.alloc(0))
  splitter.end()
  const frames = collect(splitter)
  await turns(3)
  t.same(frames.map(String), ['a'])
})

t.test('TerminatorSplitter: refuses bad writes as a PassThrough does', async t => {
  for (const value of [5, {}, null, true, 5n, [1], new Date(0)]) {
    const outcome = async (stream: Duplex): Promise<unknown> => {
      const events: string[] = []
      stream.on('error', error => events.push(codeOf(error)))
      const { code } = thrownBy(() => stream.write(value))
      await turns(3)
      return [code, events, stream.destroyed]
    }
    t.same(await outcome(new TerminatorSplitter('\n')), await outcome(new PassThrough()), textOf(value))
  }
})

t.test('TerminatorSplitter: goes on after a bad write', async t => {
  const splitter = new TerminatorSplitter('\n')
  const frames = collect(splitter)
  splitter.write('a')
  t.equal(thrownBy(() => splitter.write(5)).name, 'TypeError')
  splitter.end('b\n')
  await turns(3)
  t.same(frames.map(String), ['ab'])
})

const writeAfterEnd = async (stream: Duplex): Promise<string[]> => {
  const log: string[] = []
  for (const event of ['end', 'finish', 'close']) stream.on(event, () => log.push(event))
  stream.on('error', error => log.push(codeOf(error)))
  stream.on('data', frame => log.push(textOf(frame)))
  stream.write('a\n')
  stream.end()
  stream.write('late\n', error => log.push(error ? `called ${codeOf(error)}` : 'called'))
  await turns(4)
  return log.filter(item => item !== 'a' && item !== 'a\n').toSorted()
}

t.test('TerminatorSplitter: refuses a write after end() as a PassThrough does', async t => {
  const own = await writeAfterEnd(new TerminatorSplitter('\n'))
  t.same(own, await writeAfterEnd(new PassThrough()))
  t.ok(own.includes('ERR_STREAM_WRITE_AFTER_END'))
})

// -- writable side -----------------------------------------------------------

t.test('TerminatorSplitter: has the writableHighWaterMark it is given', async t => {
  const splitter = new TerminatorSplitter('\n', { writableHighWaterMark: 8 })
  t.equal(splitter.writableHighWaterMark, 8)
  t.equal(splitter.write('1234567'), true)
  t.equal(splitter.write('8'), false)
  t.equal(splitter.writableNeedDrain, true)
  const drain = once(splitter, 'drain')
  const frames = collect(splitter)
  await t.resolves(withinTurns(drain))
  t.same(frames, [])
  t.equal(new TerminatorSplitter('\n').writableHighWaterMark, 65_536)
})

t.test('TerminatorSplitter: calls back every write, in order, once', async t => {
  for (const isCorked of [false, true]) {
    const splitter = new TerminatorSplitter('\n')
    const called: unknown[] = []
    splitter.resume()
    if (isCorked) splitter.cork()
    for (let i = 0; i < 5; i++) splitter.write(`${i}\n`, error => called.push(error ?? i))
    splitter.end('5', () => called.push('end'))
    await withinTurns(ended(splitter))
    await turns(2)
    t.same(called, [0, 1, 2, 3, 4, 'end'], `corked: ${isCorked}`)
  }
})

t.test('TerminatorSplitter: takes chunks in an object-mode pipe', async t => {
  const splitter = new TerminatorSplitter('\n')
  Readable.from(['a\nb', Buffer.from('c\n'), 'd']).pipe(splitter)
  t.same((await withinTurns(listOf(splitter))).map(String), ['a', 'bc', 'd'])
})

// -- signal ------------------------------------------------------------------

t.test('TerminatorSplitter: is destroyed by its signal', async t => {
  const reason = new Error('reason')
  for (const when of ['before', 'later', 'in a handler']) {
    const controller = new AbortController()
    if (when === 'before') controller.abort(reason)
    const splitter = new TerminatorSplitter('\n', { signal: controller.signal })
    const failure = once(splitter, 'error')
    const frames: string[] = []
    splitter.on('data', frame => {
      frames.push(textOf(frame))
      if (when === 'in a handler') controller.abort(reason)
    })
    if (when !== 'before') splitter.write('a\nb\n')
    if (when === 'later') {
      await turns(3)
      controller.abort(reason)
    }
    const [error] = await withinTurns(failure)
    t.match(error, { name: 'AbortError', code: 'ABORT_ERR', cause: reason }, when)
    t.same(frames, when === 'later' ? ['a', 'b'] : when === 'before' ? [] : ['a'], when)
    t.equal(splitter.destroyed, true)
  }
})

t.test('TerminatorSplitter: leaves its signal alone when it is over', async t => {
  const controller = new AbortController()
  const splitter = new TerminatorSplitter('\n', { signal: controller.signal })
  splitter.resume().end('a\n')
  await withinTurns(once(splitter, 'close'))
  controller.abort()
  await turns(2)
  t.equal(splitter.errored, null)
})

// -- frameTimeout ------------------------------------------------------------

t.test('TerminatorSplitter: fails a frame that takes too long, though bytes keep dripping', async t => {
  const splitter = new TerminatorSplitter('\n', { frameTimeout: 40 })
  const frames = collect(splitter)
  const failure = once(splitter, 'error')
  splitter.write('ok\n')
  const drip = setInterval(() => {
    if (!splitter.destroyed) splitter.write('x')
  }, 3)
  const [error] = await soon(failure)
  clearInterval(drip)
  t.same(frames.map(String), ['ok'])
  t.match(error, { name: 'FramingError', code: 'ERR_FRAME_TIMEOUT', limit: 40, offset: 3 })
  t.equal(splitter.destroyed, true)
})

t.test('TerminatorSplitter: fails a slow frame in every way of consuming', async t => {
  // Who polls read() does not wait: between two calls no demand is known.
  const waiting = consumers.filter(({ name }) => !name.includes('polled'))
  await Promise.all(
    waiting.map(async consumer => {
      const splitter = new TerminatorSplitter('\n', { frameTimeout: 30 })
      const frames: string[] = []
      const done = consumer.consume(splitter, frame => frames.push(textOf(frame)))
      splitter.write('a\nb\nslow')
      await t.rejects(soon(done), { code: 'ERR_FRAME_TIMEOUT' }, consumer.name)
      t.same(frames, ['a', 'b'], consumer.name)
    })
  )
})

t.test("TerminatorSplitter: has a deadline for a consumer that went from 'data' to 'readable'", async t => {
  const splitter = new TerminatorSplitter('\n', { frameTimeout: 20 })
  const failure = once(splitter, 'error')
  const first = (): void => {
    splitter.off('data', first)
    splitter.pause()
  }
  splitter.on('data', first)
  splitter.write('a\nslow')
  await turns(4)
  splitter.on('readable', () => {
    splitter.read()
  })
  const [error] = await soon(failure)
  t.match(error, { code: 'ERR_FRAME_TIMEOUT' })
})

t.test('TerminatorSplitter: has no deadline while no frame has begun', async t => {
  const splitter = new TerminatorSplitter('\n', { frameTimeout: 20 })
  const frames = collect(splitter)
  await sleep(60)
  splitter.write('a\n')
  await sleep(60)
  splitter.write('b\nc\n')
  await sleep(60)
  t.same(frames.map(String), ['a', 'b', 'c'])
  t.equal(splitter.errored, null)
  splitter.end()
  await soon(closed(splitter))
})

t.test('TerminatorSplitter: has no deadline while paused', async t => {
  const splitter = new TerminatorSplitter('\n', { frameTimeout: 20 })
  const frames = collect(splitter)
  await turns(2)
  splitter.pause()
  splitter.write('half a ')
  await sleep(70)
  t.equal(splitter.errored, null)
  splitter.write('line\n')
  splitter.resume()
  await turns(4)
  t.same(frames.map(String), ['half a line'])
  splitter.destroy()
})

t.test('TerminatorSplitter: stops its deadline when paused in the middle of a frame', async t => {
  const splitter = new TerminatorSplitter('\n', { frameTimeout: 50 })
  const frames = collect(splitter)
  splitter.write('half a ')
  await turns(4)
  splitter.pause()
  await sleep(150)
  t.equal(splitter.errored, null)
  splitter.write('line\n')
  splitter.resume()
  await turns(4)
  t.same(frames.map(String), ['half a line'])
  splitter.destroy()
})

t.test('TerminatorSplitter: keeps what is left of a deadline over a pause', async t => {
  const splitter = new TerminatorSplitter('\n', { frameTimeout: 600 })
  const frames = collect(splitter)
  splitter.write('half a ')
  await turns(4)
  splitter.pause()
  await sleep(900)
  splitter.resume()
  await turns(4)
  await sleep(5)
  t.equal(splitter.errored, null, 'the pause did not count')
  splitter.write('line\n')
  await turns(4)
  t.same(frames.map(String), ['half a line'])
  splitter.destroy()
})

t.test('TerminatorSplitter: adds up the waiting between pauses', async t => {
  const splitter = new TerminatorSplitter('\n', { frameTimeout: 60 })
  splitter.on('data', () => {})
  const failure = soon(once(splitter, 'error'))
  splitter.write('never whole')
  const pausing = setInterval(() => {
    splitter.pause()
    splitter.resume()
  }, 10)
  const code = await failure.then(([error]) => codeOf(error), codeOf)
  clearInterval(pausing)
  t.equal(code, 'ERR_FRAME_TIMEOUT')
  splitter.destroy()
})

t.test('TerminatorSplitter: has no deadline while nobody asks', async t => {
  const splitter = new TerminatorSplitter('\n', { frameTimeout: 20 })
  splitter.write('half a ')
  await sleep(60)
  t.equal(splitter.errored, null)
  splitter.end('line')
  t.same((await withinTurns(listOf(splitter))).map(String), ['half a line'])
})

t.test('TerminatorSplitter: has no deadline between next() calls', async t => {
  const splitter = new TerminatorSplitter('\n', { frameTimeout: 20 })
  const iterator = splitter[Symbol.asyncIterator]()
  splitter.write('a\nhalf')
  t.equal(String((await iterator.next()).value), 'a')
  await sleep(60)
  t.equal(splitter.errored, null)
  const pending = iterator.next()
  splitter.write(' b\n')
  t.equal(String((await pending).value), 'half b')
  splitter.destroy()
})

t.test('TerminatorSplitter: lets a rule have a deadline of its own', async t => {
  const strict = new TerminatorSplitter({ until: '\n', frameTimeout: 20 }, { frameTimeout: 3_600_000 })
  const lax = new TerminatorSplitter({ until: '\n', frameTimeout: 0 }, { frameTimeout: 20 })
  const none = new TerminatorSplitter({ until: '\n', frameTimeout: 20 })
  lax.on('data', () => {})
  const failures = [strict, none].map(splitter => {
    splitter.on('data', () => {})
    return once(splitter, 'error')
  })
  for (const splitter of [strict, lax, none]) splitter.write('half')
  for (const [error] of await soon(Promise.all(failures))) t.match(error, { code: 'ERR_FRAME_TIMEOUT', limit: 20 })
  await sleep(40)
  t.equal(lax.errored, null)
  lax.destroy()
})

t.test('TerminatorSplitter: takes the deadline of a terminator set in the middle of a frame', async t => {
  const splitter = new TerminatorSplitter('\n')
  splitter.on('data', () => {})
  splitter.write('half')
  await turns(3)
  const failure = once(splitter, 'error')
  splitter.setTerminator({ until: ';', frameTimeout: 20 })
  const [error] = await soon(failure)
  t.match(error, { code: 'ERR_FRAME_TIMEOUT' })
})

t.test('TerminatorSplitter: gives each frame a deadline of its own', async t => {
  // Ten frames, each quick, together longer than one deadline.
  const splitter = new TerminatorSplitter('\n', { frameTimeout: 400 })
  const frames = collect(splitter)
  for (let i = 0; i < 10; i++) {
    splitter.write('ha')
    await sleep(50)
    splitter.write('lf\nn')
    splitter.write('ext\n')
  }
  t.equal(frames.length, 20)
  t.equal(splitter.errored, null)
  splitter.destroy()
})

const timers = (): number => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length

t.test('TerminatorSplitter: leaves no timer behind', async t => {
  const before = timers()
  const splitter = new TerminatorSplitter('\n', { frameTimeout: 3_600_000 })
  splitter.on('data', () => {})
  splitter.write('half')
  await turns(3)
  splitter.write(' done\n')
  await turns(3)
  t.equal(timers(), before, 'between frames')
  splitter.write('half')
  await turns(3)
  splitter.destroy()
  t.equal(timers(), before, 'after destroy')
  const other = new TerminatorSplitter('\n', { frameTimeout: 3_600_000 })
  other.on('data', () => {})
  other.end('half')
  await withinTurns(once(other, 'close'))
  t.equal(timers(), before, 'after the end')
})

t.test('TerminatorSplitter: deadline errors give takeUnread() its bytes', async t => {
  const splitter = new TerminatorSplitter('\n', { frameTimeout: 10 })
  splitter.on('data', () => {})
  let unread = ''
  splitter.on('error', () => {
    unread = splitter.takeUnread().toString()
  })
  splitter.write('a\nhalf')
  await soon(closed(splitter))
  t.equal(unread, 'half')
})

// -- among other streams -----------------------------------------------------

t.test('TerminatorSplitter: frames a socket and answers on it', async t => {
  const server = net.createServer({ allowHalfOpen: true }, socket => {
    const splitter = new TerminatorSplitter('\n', { encoding: 'utf8' })
    pipeline(
      socket,
      splitter,
      async function* (frames: AsyncIterable<unknown>) {
        for await (const frame of frames) {
          const count = /^count (\d+)$/.exec(textOf(frame))?.[1]
          splitter.setTerminator(count === undefined ? '\n' : Number(count))
          yield `<${textOf(frame)}>`
        }
      },
      socket
    ).catch(() => {})
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  const client = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  client.write('hello\ncount 5\n\n\n\n\n\nbye')
  client.end()
  t.equal(await text(client), '<hello><count 5><\n\n\n\n\n><bye>')
  client.destroy()
  server.close()
  await once(server, 'close')
})

t.test('TerminatorSplitter: frames what a child says, and speaks to it', async t => {
  const child = spawn(process.execPath, ['-e', 'process.stdin.pipe(process.stdout)'], {
    stdio: ['pipe', 'pipe', 'inherit']
  })
  const words = new TerminatorSplitter('\n', { keepTerminator: true })
  const lines = new TerminatorSplitter('\n', { encoding: 'utf8' })
  const sent = pipeline(words, child.stdin)
  const received: unknown[] = []
  const heard = pipeline(child.stdout, lines, async (source: AsyncIterable<unknown>) => {
    for await (const line of source) received.push(line)
  })
  const want = Array.from({ length: 2000 }, (_unused, i) => `line ${i} ${'.'.repeat(i % 100)}`)
  for (const line of want) if (!words.write(`${line}\n`)) await once(words, 'drain')
  words.end()
  await Promise.all([sent, heard])
  t.same(received, want)
})

t.test('TerminatorSplitter: works in a pipeline through other Transforms', async t => {
  const target: Buffer[] = []
  await pipeline(
    Readable.from([Buffer.from('a\nb'), Buffer.from('c\n'), Buffer.from('d')]),
    new TerminatorSplitter('\n', { keepTerminator: true }),
    createGzip(),
    new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        target.push(chunk)
        done()
      }
    })
  )
  t.equal(gunzipSync(Buffer.concat(target)).toString(), 'a\nbc\nd')
})

t.test('TerminatorSplitter: is destroyed with its pipeline', async t => {
  const splitter = new TerminatorSplitter('\n')
  const source = new PassThrough()
  const failure = new Error('source')
  const settled = pipeline(source, splitter, async (frames: AsyncIterable<unknown>) => {
    for await (const _frame of frames) source.destroy(failure)
  })
  source.write('a\nb')
  await t.rejects(withinTurns(settled), failure)
  t.equal(splitter.destroyed, true)
  const long = new TerminatorSplitter('\n', { maxFrameLength: 3 })
  const other = new PassThrough()
  other.end('a\ntoo long\n')
  await t.rejects(withinTurns(pipeline(other, long, new PassThrough({ objectMode: true }).resume())), {
    code: 'ERR_FRAME_TOO_LONG'
  })
  t.equal(other.destroyed, true)
})

t.test('TerminatorSplitter: pipes frames to two targets', async t => {
  const splitter = new TerminatorSplitter('\n')
  const seen: string[] = []
  const target = (name: string): Writable =>
    new Writable({
      objectMode: true,
      highWaterMark: 1,
      write: (frame, _encoding, done) => {
        seen.push(`${name}${textOf(frame)}`)
        setImmediate(done)
      }
    })
  const targets = [target('1'), target('2')]
  const done = targets.map(writable => once(writable, 'finish'))
  for (const writable of targets) splitter.pipe(writable)
  splitter.end('a\nb\nc')
  await withinTurns(Promise.all(done))
  t.same(seen, ['1a', '2a', '1b', '2b', '1c', '2c'])
})

const digits = (): TerminatorSplitter => {
  const splitter = new TerminatorSplitter('\n')
  splitter.end('1\n2\n3\n4\n5\n')
  return splitter
}

const texts = (splitter: Readable): Promise<string[]> => splitter.map(String).toArray()

t.test('TerminatorSplitter: has the operators of a Readable', async t => {
  t.same(await texts(digits()), ['1', '2', '3', '4', '5'])
  t.same(await texts(digits().filter(frame => Number(frame) % 2 === 1)), ['1', '3', '5'])
  t.same(await texts(digits().take(2)), ['1', '2'])
  t.same(await texts(digits().drop(3)), ['4', '5'])
  t.same(await texts(digits().flatMap(frame => [frame, frame]).take(3)), ['1', '1', '2'])
  t.equal(await digits().reduce((sum: number, frame) => sum + Number(frame), 0), 15)
  t.equal(await digits().some(frame => textOf(frame) === '4'), true)
  t.equal(await digits().every(frame => textOf(frame) === '4'), false)
  t.equal(String(await digits().find(frame => textOf(frame) === '3')), '3')
  const seen: string[] = []
  await digits().forEach(frame => {
    seen.push(textOf(frame))
  })
  t.same(seen, ['1', '2', '3', '4', '5'])
  t.equal((await digits().toArray()).length, 5)
  t.equal(await text(digits().map(frame => `${textOf(frame)},`)), '1,2,3,4,5,')
})

t.test('TerminatorSplitter: goes through toWeb() and back', async t => {
  const splitter = new TerminatorSplitter('\n', { encoding: 'utf8' })
  splitter.end('a\nb')
  const frames: unknown[] = []
  for await (const frame of Readable.toWeb(splitter)) frames.push(frame)
  t.same(frames, ['a', 'b'])
})

t.test('TerminatorSplitter: cancels a web reader by destroying', async t => {
  const splitter = new TerminatorSplitter('\n')
  splitter.on('error', () => {})
  splitter.write('a\nb\n')
  const reader = Readable.toWeb(splitter).getReader()
  t.equal(String((await reader.read()).value), 'a')
  await reader.cancel()
  await turns(3)
  t.equal(splitter.destroyed, true)
})

t.test('TerminatorSplitter: is a stream of its own for each connection', async t => {
  const first = new TerminatorSplitter('\n')
  const second = new TerminatorSplitter(';')
  const [a, b] = [collect(first), collect(second)]
  first.write('a;b')
  second.write('a\nb;')
  first.end('\n')
  second.end('c')
  await turns(4)
  t.same([a.map(String), b.map(String)], [['a;b'], ['a\nb', 'c']])
})

t.test('TerminatorSplitter: can be subclassed', async t => {
  class Upper extends TerminatorSplitter {
    override setTerminator(terminator: Terminator): void {
      super.setTerminator(typeof terminator === 'string' ? terminator.toUpperCase() : terminator)
    }
  }
  const splitter = new Upper('\n')
  splitter.setTerminator('x')
  const frames = collect(splitter)
  splitter.end('axbXc')
  await turns(3)
  t.same(frames.map(String), ['axb', 'c'])
})

// -- types -------------------------------------------------------------------

/** true when the two types are assignable to each other and the first is not any. */
type Same<A, B> = 0 extends 1 & A ? false : [A, B] extends [B, A] ? true : false

t.test('TerminatorSplitter: has the types of its frames', async t => {
  const check = async (): Promise<void> => {
    for await (const frame of new TerminatorSplitter('\n')) t.ok(true satisfies Same<typeof frame, Buffer>)
    for await (const frame of new TerminatorSplitter('\n', { skipEmpty: true, maxFrameLength: 5 })) {
      t.ok(true satisfies Same<typeof frame, Buffer>)
    }
    for await (const frame of new TerminatorSplitter('\n', { encoding: 'utf8' })) {
      t.ok(true satisfies Same<typeof frame, string>)
    }
    for await (const frame of new TerminatorSplitter('\n', { details: true })) {
      t.ok(true satisfies Same<typeof frame, FrameDetails>)
      t.ok(true satisfies Same<typeof frame.data, Buffer>)
      t.ok(true satisfies Same<typeof frame.offset, number>)
    }
    for await (const frame of new TerminatorSplitter('\n', { pieces: true })) {
      t.ok(true satisfies Same<typeof frame, FramePiece>)
      t.ok(true satisfies Same<typeof frame.data, Buffer>)
    }
    for await (const frame of new TerminatorSplitter('\n', { details: true, encoding: 'utf8' })) {
      t.ok(true satisfies Same<typeof frame.data, string>)
    }
    for await (const batch of new TerminatorSplitter('\n', { encoding: 'utf8' }).batches()) {
      t.ok(true satisfies Same<(typeof batch)[number], string>)
    }
    for await (const frame of new TerminatorSplitter('\n').iterator({ destroyOnReturn: false })) {
      t.ok(true satisfies Same<typeof frame, Buffer>)
    }
  }
  t.equal(typeof check, 'function')
  const splitter = new TerminatorSplitter('\n')
  const transform: Transform = splitter
  t.equal(transform.readableObjectMode, true)
  t.ok(true satisfies Same<ReturnType<typeof splitter.takeUnread>, Buffer>)
  t.ok(true satisfies Same<ReturnType<typeof splitter.getTerminator>, Terminator>)
  // @ts-expect-error -- a boolean is no terminator
  t.throws(() => new TerminatorSplitter(true))
  // @ts-expect-error -- nor is an encoding that Buffer does not know
  t.throws(() => new TerminatorSplitter('\n', { encoding: 'utf-7' }))
  // @ts-expect-error -- undefined is no terminator
  t.throws(() => splitter.setTerminator(undefined))
})

t.test('openSplitter: gives the scanner to a reader of its own, who is served what is written', async t => {
  const splitter = new TerminatorSplitter('\n')
  const frames: string[] = []
  const door = openSplitter(splitter, {
    isWaiting: true,
    serve: () => {
      for (let frame = door.scanner.read(); frame !== null; frame = door.scanner.read()) frames.push(textOf(frame))
    }
  })
  splitter.write('a\n')
  await turns(2)
  t.same(frames, ['a'])
  splitter.setTerminator(';')
  splitter.write('b\nc;d')
  await turns(2)
  t.same(frames, ['a', 'b\nc'])
  t.throws(() => splitter.on('data', () => {}), { code: 'ERR_INVALID_STATE' }, 'it is the only consumer')
  t.throws(() => splitter.read(), { code: 'ERR_INVALID_STATE' })
  t.equal(textOf(splitter.takeUnread()), 'd')
})

t.test('openSplitter: calls a write back when its bytes were used up, and the reader says so', async t => {
  const splitter = new TerminatorSplitter('\n')
  const door = openSplitter(splitter, { isWaiting: false, serve: () => {} })
  let isDone = false
  splitter.write('a\nb\n', () => (isDone = true))
  await turns(2)
  t.equal(textOf(door.scanner.read()), 'a')
  door.release()
  await turns(2)
  t.equal(isDone, false, 'there is more')
  t.equal(textOf(door.scanner.read()), 'b')
  await turns(2)
  t.equal(isDone, false, 'nobody has said so')
  door.release()
  await turns(2)
  t.equal(isDone, true)
})
