import t from 'tap'
import type { FramingError } from '../../src/errors.js'
import { FrameScanner, type FrameScannerOptions } from '../../src/framing/frame-scanner.js'
import { FrameSupply } from '../../src/streams/frame-supply.js'
import { checkSplitterOptions, type TerminatorSplitterOptions } from '../../src/streams/splitter-options.js'

interface Bench {
  readonly supply: FrameSupply<unknown>
  readonly scanner: FrameScanner
  /** Codes of the errors that the stream would be destroyed with. */
  readonly errors: string[]
  /** Writes that wait: each comes when the one before it is used up; after the last one the input ends. */
  readonly waiting: string[]
}

function bench(writes: readonly (string | Uint8Array)[], { terminator = '\n', onOverflow, ...options }: TerminatorSplitterOptions & Pick<FrameScannerOptions, 'terminator' | 'onOverflow'> = {}): Bench {
  const scanner = new FrameScanner({ ...options, terminator, ...(onOverflow === undefined ? {} : { onOverflow }) })
  const errors: string[] = []
  const supply = new FrameSupply<unknown>(scanner, checkSplitterOptions(options), (error: FramingError) => {
    errors.push(error.code)
    supply.gate.close()
  })
  const waiting = writes.map((write) => Buffer.from(write as string).toString('latin1'))
  const give = (): void => {
    const write = waiting.shift()
    if (write !== undefined) supply.gate.write([Buffer.from(write, 'latin1')], give)
    else if (!supply.gate.isEnding) supply.gate.end(() => {})
  }
  give()
  return { supply, scanner, errors, waiting }
}

function takeAll({ supply }: Bench): unknown[] {
  const frames = []
  for (let frame = supply.take(); frame !== null; frame = supply.take()) frames.push(Buffer.isBuffer(frame) ? frame.toString() : frame)
  return frames
}

const rows: readonly [name: string, writes: readonly (string | Uint8Array)[], options: Parameters<typeof bench>[1], wanted: unknown[], code?: string][] = [
  ['frames, over writes and to the end', ['a\nb', 'c\n', 'd'], {}, ['a', 'bc', 'd']],
  ['empty frames', ['\n\n'], {}, ['', '']],
  ['no empty delimited frames, if told', ['\na\n\n', '\n'], { skipEmpty: true }, ['a']],
  ['empty frames of a count all the same', ['a'], { skipEmpty: true, terminator: 0 }, ['', 'a']],
  ['the empty last piece of a frame, which is not an empty frame', ['a', '\n\n'], { skipEmpty: true, pieces: true }, [{ data: Buffer.from('a'), ending: null }, { data: Buffer.from(''), ending: 'terminator' }]],
  ['strings', ['é\n'], { encoding: 'utf8' }, ['é']],
  ['pieces, where the rule says so', ['ab'], { terminator: { until: 2, pieces: true } }, [{ data: Buffer.from('ab'), ending: 'count' }]],
  ['whole frames, where the rule says so', ['a', 'b'], { pieces: true, terminator: { until: 2, pieces: false } }, ['ab']],
  ['what the end of input leaves of a character', [Uint8Array.of(0x61, 0xe2)], { encoding: 'utf8', terminator: null }, ['a', '\ufffd']],
  ['frames up to one that fails', ['a\n', 'bcdef\ng\n'], { maxFrameLength: 4 }, ['a'], 'ERR_FRAME_TOO_LONG'],
]

for (const [name, writes, options, wanted, code] of rows) {
  t.test(`FrameSupply: takes ${name}`, async (t) => {
    const one = bench(writes, options)
    t.same(takeAll(one), wanted)
    t.same(one.errors, code === undefined ? [] : [code])
    t.ok(one.supply.gate.isClosed)
    t.same([one.supply.take(), one.supply.takeBatch(9)], [null, null], 'nothing comes after the end')
  })
}

t.test('FrameSupply: asks for no more input than the frame takes', async (t) => {
  const { supply, waiting } = bench(['a\nb\n', 'c\n', 'd\n'])
  t.same([supply.take(), waiting.length], [Buffer.from('a'), 2])
  t.same([supply.take(), waiting.length], [Buffer.from('b'), 2])
  t.same([supply.take(), waiting.length], [Buffer.from('c'), 1])
})

const batches: readonly [name: string, writes: readonly (string | Uint8Array)[], options: Parameters<typeof bench>[1], wanted: string[][], code?: string][] = [
  ['at most as many as it may', ['a\nb\nc\nd\n'], {}, [['a', 'b', 'c'], ['d']]],
  ['over writes that are there', ['a\n', 'b\n'], {}, [['a', 'b']]],
  ['up to another terminator', ['abc'], { terminator: 1, rearmCount: false }, [['a'], ['bc']]],
  ['up to a frame that fails, which is not their error', ['a\nb\nlong\n'], { maxFrameLength: 2 }, [['a', 'b']], 'ERR_FRAME_TOO_LONG'],
  ['up to a frame that would be discarded', ['a\nlong\nb\n'], { maxFrameLength: 2, overflow: 'discard' }, [['a'], ['b']]],
  ['with the tail that the end of input leaves', ['a\nb'], {}, [['a', 'b']]],
  ['the rest of a character by itself', [Uint8Array.of(0xe2)], { encoding: 'utf8', terminator: null }, [['\ufffd']]],
]

t.test('FrameSupply: takes batches of the frames at hand', async (t) => {
  for (const [name, writes, options, wanted, code] of batches) {
    const { supply, errors } = bench(writes, options)
    const taken = []
    for (let batch = supply.takeBatch(3); batch !== null; batch = supply.takeBatch(3)) taken.push(batch.map(String))
    t.same(taken, wanted, name)
    t.same(errors, code === undefined ? [] : [code], name)
  }
})

t.test('FrameSupply: asks for no more input for a batch that cannot go on', async (t) => {
  const { supply, waiting } = bench(['a\nlong', 'er\nb\n'], { maxFrameLength: 2, overflow: 'discard' })
  t.same([supply.takeBatch(9)?.map(String), waiting.length], [['a'], 1])
})

t.test('FrameSupply: leaves what a handler of a discard throws to its caller', async (t) => {
  const { supply, errors } = bench(['long\n'], {
    maxFrameLength: 2,
    overflow: 'discard',
    onOverflow: () => {
      throw new Error('of the handler')
    },
  })
  t.throws(() => supply.take(), { message: 'of the handler' })
  t.same(errors, [])
})

t.test('FrameSupply: takes plain frames without asking for more', async (t) => {
  const { supply, scanner, waiting } = bench(['a\nb', 'c\n'])
  t.same([supply.isPlain, supply.takePlain(), supply.takePlain(), waiting.length], [true, Buffer.from('a'), null, 1])
  scanner.setTerminator({ until: '\n', pieces: true })
  t.equal(supply.takePlain(), null, 'a piece is not plain')
  for (const options of [{ encoding: 'utf8' }, { pieces: true }, { details: true }, { copy: true }, { skipEmpty: true }] as const) {
    const { supply } = bench(['a\n'], options)
    t.same([supply.isPlain, supply.takePlain()], [false, null], JSON.stringify(options))
  }
})

t.test('FrameSupply: is empty where the input was, and no empty frame is due', async (t) => {
  t.equal(bench([]).supply.isEmpty, true)
  t.equal(bench(['']).supply.isEmpty, false, 'not before the end is there')
  t.equal(bench([], { terminator: 0 }).supply.isEmpty, false)
  const answered = bench([], { terminator: 0 })
  t.same(answered.supply.take(), Buffer.from(''))
  t.equal(answered.supply.isEmpty, false, 'who has that frame may ask for another one')
  const one = bench(['\n'])
  takeAll(one)
  t.equal(one.supply.isEmpty, false)
})

t.test('FrameSupply: gives the bytes of a cut character back to the scanner', async (t) => {
  const { supply, scanner } = bench([Uint8Array.of(0x61, 0xe2), Uint8Array.of(0x82)], { encoding: 'utf8', terminator: null })
  supply.reclaim()
  t.equal(scanner.bufferedLength, 2, 'none was taken yet')
  t.equal(supply.take(), 'a')
  supply.reclaim()
  t.equal(scanner.bufferedLength, 1)
})

t.test('FrameSupply: looks again at what it could not cut only when told that something changed', async (t) => {
  const scanner = new FrameScanner({ terminator: '\n' })
  const supply = new FrameSupply<Buffer>(scanner, checkSplitterOptions({}), (error) => t.fail(error.message))
  supply.gate.write([Buffer.from('ab')], () => {})
  t.same([supply.take(), supply.gate.isDry], [null, true])
  scanner.setTerminator(1)
  t.equal(supply.take(), null)
  supply.startOver()
  t.same(supply.take(), Buffer.from('a'))
})
