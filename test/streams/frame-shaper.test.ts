import { equal } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { FrameScanner } from '../../src/framing/frame-scanner.js'
import type { Terminator } from '../../src/framing/terminator.js'
import { FrameShaper } from '../../src/streams/frame-shaper.js'
import { checkSplitterOptions, type TerminatorSplitterOptions } from '../../src/streams/splitter-options.js'

interface Pair {
  readonly scanner: FrameScanner
  readonly shaper: FrameShaper
  /** Writes a chunk and gives what the next read is shaped into. */
  readonly next: (chunk: string | Uint8Array) => unknown
}

function pair(terminator: Terminator, options: TerminatorSplitterOptions): Pair {
  const scanner = new FrameScanner({ terminator })
  const shaper = new FrameShaper(scanner, checkSplitterOptions(options))
  const inPieces = options.pieces === true
  return {
    scanner,
    shaper,
    next: (chunk) => {
      scanner.write(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
      return shaper.shape((inPieces ? scanner.readPiece() : scanner.read()) as Buffer, inPieces)
    },
  }
}

const data = Buffer.from('é')
const rows: readonly [name: string, terminator: Terminator, options: TerminatorSplitterOptions, wanted: unknown][] = [
  ['a Buffer', '\n', {}, data],
  ['a string', '\n', { encoding: 'utf8' }, 'é'],
  ['a string in another encoding', '\n', { encoding: 'latin1' }, 'Ã©'],
  ['an object with details', '\n', { details: true }, { data, offset: 0, ending: 'terminator', matched: 0 }],
  ['which of a set ended it', [';', '\n'], { details: true }, { data, offset: 0, ending: 'terminator', matched: 1 }],
  ['details of a string', 2, { details: true, encoding: 'utf8' }, { data: 'é', offset: 0, ending: 'count', matched: 0 }],
  ['a piece', '\n', { pieces: true }, { data, ending: 'terminator' }],
  ['a piece with details', 3, { pieces: true, details: true }, { data: Buffer.from('é\n'), offset: 0, ending: 'count', matched: 0 }],
]

for (const [name, terminator, options, wanted] of rows) {
  t.test(`FrameShaper: makes of a frame ${name}`, async (t) => {
    const { next, shaper } = pair(terminator, options)
    t.strictSame(next('é\n'), wanted)
    t.equal(shaper.flush(), null, 'nothing waits')
  })
}

t.test('FrameShaper: gives a view, or with copy a frame that owns its memory', async (t) => {
  const chunk = Buffer.from('ab\n')
  for (const copy of [false, true]) {
    const frame = pair('\n', { copy }).next(chunk) as Buffer
    t.equal(frame.buffer === chunk.buffer, !copy)
    t.ok(Buffer.isBuffer(frame))
    t.equal(frame.buffer.byteLength === 2, copy)
  }
})

const piece = (data: string, offset: number): object => ({ data, offset, ending: 'piece', matched: 0 })

t.test('FrameShaper: keeps a character that is cut until the rest of it comes', async (t) => {
  const { next, shaper } = pair(null, { encoding: 'utf8', details: true })
  t.strictSame(next(Buffer.from('a€').subarray(0, 3)), piece('a', 0))
  t.equal(shaper.pendingLength, 2)
  t.strictSame(next(Buffer.from('€b€').subarray(2, 5)), piece('€b', 1), 'its offset is that of its first byte')
  t.equal(next(Buffer.from('€').subarray(1, 2)), null, 'nothing is delivered while there is only a part')
  t.equal(shaper.pendingLength, 2)
  t.strictSame(shaper.flush(), piece('\ufffd', 5), 'the end of input leaves a replacement')
  t.equal(shaper.flush(), null, 'once')
})

t.test('FrameShaper: gives the bytes of a cut character back', async (t) => {
  const { next, shaper } = pair(null, { encoding: 'utf8' })
  t.equal(shaper.reclaim().length, 0)
  t.equal(next(Uint8Array.of(0x61, 0xf0, 0x9f, 0x98)), 'a')
  t.same([...shaper.reclaim()], [0xf0, 0x9f, 0x98])
  t.equal(shaper.pendingLength, 0)
  t.equal(next('b'), 'b', 'and has forgotten them')
})

const encodings = ['utf8', 'utf16le', 'latin1', 'hex', 'base64', 'base64url', 'ascii'] as const
const texts = fc.string({ unit: fc.constantFrom('a', 'é', '€', '😀', '\ufeff'), maxLength: 12 })

t.test('FrameShaper: delivers at every cut what the whole text is, and gives back what is not delivered', async (t) => {
  t.doesNotThrow(() => fc.assert(fc.property(fc.constantFrom(...encodings), texts, fc.array(fc.nat(60)), (encoding, text, cuts) => {
    const bytes = Buffer.from(text, encoding === 'utf16le' ? encoding : 'utf8')
    const { next, shaper } = pair(null, { encoding })
    let given = ''
    let from = 0
    for (const to of [...cuts.filter((at) => at < bytes.length).toSorted((a, b) => a - b), bytes.length]) {
      if (to > from) given += (next(bytes.subarray(from, to)) as string | null) ?? ''
      from = to
      equal(given, bytes.subarray(0, to - shaper.pendingLength).toString(encoding))
    }
    equal(given + ((shaper.flush() as string | null) ?? ''), bytes.toString(encoding))
  }), { numRuns: 500 }))
})
