/**
 * Linear cost (P3) and bounded memory (P4), by counting.
 *
 * The bound: two looks a byte of input, and the delimiter's length a chunk; a set of delimiters one look and one
 * for each of its distinct last bytes. `bytesLookedAt` is what is held against it, and is itself held against the
 * positions that the engine's search was seen to pass.
 */

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { FrameScanner } from '../../src/framing/index.js'
import type { FrameScannerOptions, Terminator } from '../../src/framing/index.js'
import { inChunksOf } from '../support/cuts.js'

const KIB = 1024
const MIB = 1024 * KIB

interface Subject {
  readonly terminator: string | readonly string[]
  /** Inputs of one repeated part: the delimiter's letters, near matches, periods. */
  readonly parts: readonly string[]
}

const SUBJECTS: readonly Subject[] = [
  { terminator: '\n', parts: ['a', '\n', 'a\n'] },
  { terminator: '\r\n', parts: ['a', '\r', '\n', '\r\r\n', '\n\r', 'a\n', 'aaaaaaaaaaaaaaa\n', '\r\n'] },
  { terminator: 'aaab', parts: ['a', 'b', 'ab', 'aab', 'aaab', 'aaaab', 'aabaaab', 'bbbbbbbbb', 'xaab'] },
  { terminator: 'baaa', parts: ['a', 'b', 'ba', 'baa', 'baab', 'baaa', 'aaaaaaab', 'bbaa', 'caaa', 'xaaaxaa'] },
  { terminator: 'abaabaab', parts: ['a', 'b', 'ab', 'aba', 'abaab', 'abaaba', 'baabaab', 'abaababaab', 'abaabaaab', 'abaabaab', 'bbaabaab'] },
  { terminator: '\r\n\r\n', parts: ['\r', '\n', '\r\n', '\n\r\n', '\r\n\r', '\r\r\n\r\n', '\n\n\r\n', 'a\r\nb\r\n', '\r\n\r\n'] },
  { terminator: 'aaaaaaaaaaaaaaab', parts: ['a', 'aaaaaaaaaaaaaab', 'baaaaaaaaaaaaaa', 'aaaaaaaab', 'aaaaaaaaaaaaaaab'] },
  { terminator: 'baaaaaaaaaaaaaaa', parts: ['a', 'baaaaaaaaaaaaaa', 'aaaaaaaaaaaaaab', 'caaaaaaaaaaaaaaa', 'baaaaaaaaaaaaaaa', 'aaaaaaab'] },
  { terminator: 'aaaaaaaaaaaaaaaa', parts: ['a', 'aaaaaaaaaaaaaaab', 'baaaaaaaaaaaaaa', 'ab'] },
  { terminator: ['\n', '\0'], parts: ['a', '\n', 'a\n', 'a\0b\n'] },
  { terminator: ['\r\n', '\n'], parts: ['a', '\r', '\r\n', '\n', '\r\r\r\n'] },
  { terminator: ['baaa', 'caaa', 'daaa'], parts: ['a', 'aaa', 'xaaa', 'baa', 'caaab', 'dcba', 'abcd', 'daaa'] },
  { terminator: ['aaab', 'aac', 'baba', '\0'], parts: ['a', 'ab', 'aab', 'aaac', 'bab', 'abc', 'caab', 'x'] },
  { terminator: [...Array.from('ABCDEFGHIJKLMNOPQRST'), 'aaab'], parts: ['a', 'ab', 'aab', 'aaab', 'aaabS', 'xyz'] },
  { terminator: [';', '||', '\t', '\r\n\r\n'], parts: ['|', ';', '|;', '\r\n', '\n', '|\n|', 'abc', '\r\n\r;'] },
]

function listOf(terminator: string | readonly string[]): readonly string[] {
  return typeof terminator === 'string' ? [terminator] : terminator
}

function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, 'latin1')
}

function repeated(part: string, length: number): Uint8Array {
  return bytesOf(part.repeat(Math.ceil(length / part.length)).slice(0, length))
}

/** Letters of the delimiters in random order; the same every time. */
function jumbled(terminator: string | readonly string[], length: number): Uint8Array {
  const letters = bytesOf(`${listOf(terminator).join('')}x`)
  let state = 1
  return Uint8Array.from({ length }, () => letters[(state = (state * 48_271) % 2_147_483_647) % letters.length] as number)
}

/** The most that may be looked at. */
function bound(terminator: string | readonly string[], bytes: number, chunks: number): number {
  const delimiters = listOf(terminator)
  const longest = Math.max(...delimiters.map((delimiter) => delimiter.length))
  const looks = typeof terminator === 'string' ? 2 : 1 + new Set(delimiters.map((delimiter) => delimiter.at(-1))).size
  return looks * bytes + longest * chunks
}

type Reading = 'whole' | 'pieces' | 'late' | 'discard' | 'truncate'
const READINGS: readonly Reading[] = ['whole', 'pieces', 'late', 'discard', 'truncate']

function optionsOf(terminator: Terminator, reading: Reading): FrameScannerOptions {
  if (reading === 'discard' || reading === 'truncate') return { terminator, overflow: reading, maxFrameLength: 5 }
  return { terminator, maxFrameLength: Infinity }
}

function readAll(scanner: FrameScanner, reading: Reading): void {
  if (reading === 'pieces') while (scanner.readPiece() !== null);
  else while (scanner.read() !== null);
}

function scan(terminator: Terminator, chunks: readonly Uint8Array[], reading: Reading): FrameScanner {
  const scanner = new FrameScanner(optionsOf(terminator, reading))
  for (const chunk of chunks) {
    scanner.write(chunk)
    if (reading !== 'late') readAll(scanner, reading)
  }
  scanner.end()
  readAll(scanner, reading)
  return scanner
}

function chunkSizes(terminator: string | readonly string[]): number[] {
  const length = Math.max(...listOf(terminator).map((delimiter) => delimiter.length))
  const sizes = [1, 2, 3, length - 1, length, length + 1, 64, 4096, 65_536]
  return [...new Set(sizes.filter((size) => size > 0))]
}

t.test('FrameScanner: looks at each byte twice at most, whatever the input and its chunks', async (t) => {
  for (const { terminator, parts } of SUBJECTS) {
    const over: string[] = []
    for (const size of chunkSizes(terminator)) {
      const length = size < 64 ? 1000 : Math.min(size * 8, size + 3000)
      const inputs: [string, Uint8Array][] = parts.map((part) => [part, repeated(part, length)])
      inputs.push(['jumbled', jumbled(terminator, length)])
      for (const [part, input] of inputs) {
        for (const reading of size > 4096 ? READINGS.slice(0, 2) : READINGS) {
          const chunks = inChunksOf(input, size)
          const looked = scan(terminator, chunks, reading).bytesLookedAt
          const most = bound(terminator, length, chunks.length)
          if (looked > most) over.push(`${JSON.stringify(part)} in chunks of ${size}, ${reading}: ${looked} > ${most}`)
        }
      }
    }
    t.same(over.slice(0, 5), [], JSON.stringify(terminator))
  }
})

/** Counts the positions that every native search of bytes passes while `action` runs. */
function positionsPassed(action: () => void): number {
  let passed = 0
  const restore: (() => void)[] = []
  const search = (prototype: object, name: 'indexOf' | 'lastIndexOf' | 'includes'): void => {
    const own = Object.getOwnPropertyDescriptor(prototype, name)
    if (own === undefined) return
    const native = own.value as (this: Uint8Array, ...rest: unknown[]) => number | boolean
    Object.defineProperty(prototype, name, {
      ...own,
      value(this: Uint8Array, needle: unknown, from: number = name === 'lastIndexOf' ? this.length - 1 : 0, ...rest: unknown[]) {
        const found = native.call(this, needle, from, ...rest)
        const width = typeof needle === 'number' ? 1 : (needle as { length: number }).length
        const ahead = name === 'lastIndexOf' ? from + 1 : this.length - from
        passed += typeof found === 'number' && found >= 0 ? Math.abs(found - from) + width : ahead
        return found
      },
    })
    restore.push(() => Object.defineProperty(prototype, name, own))
  }
  for (const prototype of [Object.getPrototypeOf(Uint8Array.prototype) as object, Uint8Array.prototype, Buffer.prototype]) {
    for (const name of ['indexOf', 'lastIndexOf', 'includes'] as const) search(prototype, name)
  }
  try {
    action()
  } finally {
    for (const undo of restore) undo()
  }
  return passed
}

t.test('FrameScanner: bytesLookedAt is no less than what the native search is seen to pass', async (t) => {
  let searched = 0
  for (const { terminator, parts } of SUBJECTS) {
    for (const size of [3, 64, 4096]) {
      for (const isBuffer of [true, false]) {
        for (const reading of READINGS) {
          const input = Buffer.concat([...parts.map((part) => repeated(part, 500)), jumbled(terminator, 3000)])
          const chunks = inChunksOf(isBuffer ? input : new Uint8Array(input), size)
          let looked = 0
          const passed = positionsPassed(() => {
            looked = scan(terminator, chunks, reading).bytesLookedAt
          })
          searched += passed
          if (looked < passed) t.fail(`${JSON.stringify(terminator)}, chunks of ${size}, ${reading}: ${looked} counted, ${passed} passed`)
        }
      }
    }
  }
  t.ok(searched > 100_000, 'the search was seen')
})

t.test('FrameScanner: a count, 0 and null look at nothing', async (t) => {
  for (const terminator of [7, 0, null]) {
    for (const reading of ['whole', 'pieces', 'late'] as const) {
      t.equal(scan(terminator, inChunksOf(repeated('a\n', 7000), 100), reading).bytesLookedAt, 0, `${terminator}, ${reading}`)
    }
  }
})

const FLIPS = 200_000

/** Reads lines and counts by turns out of one chunk, and gives what was looked at. */
function flip(input: Uint8Array, turns: readonly Terminator[], flips: number, piecewise: boolean): { looked: number; frames: number } {
  const scanner = new FrameScanner({ terminator: turns[0] as Terminator })
  scanner.write(input)
  let frames = 0
  for (let index = 0; index < flips; index += 1) {
    if ((piecewise ? scanner.readPiece() : scanner.read()) === null || scanner.ending === null) break
    frames += 1
    scanner.setTerminator(turns[(index + 1) % turns.length] as Terminator)
  }
  return { looked: scanner.bytesLookedAt, frames }
}

t.test('FrameScanner: 200,000 flips of a line and a count in one chunk are linear and use no stack', async (t) => {
  for (const piecewise of [false, true]) {
    for (const [delimiter, part] of [['\n', 'ab\nxyz'], ['\r\n', 'ab\r\nxyz'], ['aab', 'xaabxyz']] as const) {
      const { looked, frames } = flip(repeated(part, (part.length * FLIPS) / 2), [delimiter, 3], FLIPS, piecewise)
      t.equal(frames, FLIPS)
      t.ok(looked <= bound(delimiter, (part.length * FLIPS) / 2, 1), `${JSON.stringify(delimiter)}: ${looked}`)
    }
  }
})

t.test('FrameScanner: flips of a set, one member of which is absent, and a count are linear', async (t) => {
  const cases: readonly (readonly [readonly string[], string])[] = [
    [['\n', '\0'], 'ab\nxyz'],
    [['\r\n', '\0'], 'ab\r\nxyz'],
    [['\n', 'END', '||', '\0\0'], 'ab\nxyz'],
  ]
  for (const piecewise of [false, true]) {
    for (const [set, part] of cases) {
      const length = (part.length * FLIPS) / 2
      const { looked, frames } = flip(repeated(part, length), [set, 3], FLIPS, piecewise)
      t.equal(frames, FLIPS)
      t.ok(looked <= bound(set, length, 1), `${JSON.stringify(set)}: ${looked} of ${bound(set, length, 1)}`)
    }
  }
})

t.test('FrameScanner: flips between sets that share a member, and to a single delimiter and back, are linear', async (t) => {
  const turns: readonly Terminator[] = [['\n', '\0'], 3, ['\n', '\u0001'], 3, '\n', 3]
  const length = (6 * FLIPS) / 2
  const { looked, frames } = flip(repeated('ab\nxyz', length), turns, FLIPS, false)
  t.equal(frames, FLIPS)
  t.ok(looked <= 4 * length, `${looked} of ${4 * length}: a look for each of three last bytes, and one`)
})

t.test('FrameScanner: the same terminator set again for each chunk costs nothing', async (t) => {
  for (const terminator of ['\n', '\r\n', ['\n', '\0'], { until: 'aab' }] as const) {
    const scanner = new FrameScanner({ terminator, maxFrameLength: Infinity })
    const chunks = inChunksOf(repeated('a', 20_000), 10)
    let frames = 0
    for (const chunk of chunks) {
      scanner.write(chunk)
      scanner.setTerminator(terminator)
      if (scanner.read() !== null) frames += 1
    }
    const most = bound(typeof terminator === 'object' && 'until' in terminator ? terminator.until : terminator, 20_000, chunks.length)
    t.equal(frames, 0)
    t.ok(scanner.bytesLookedAt <= most, `${JSON.stringify(terminator)}: ${scanner.bytesLookedAt} of ${most}`)
  }
})

t.test('FrameScanner: many short frames in one chunk, or one byte each, cost no more than their bytes', async (t) => {
  for (const terminator of ['\n', ['\n', '\0', '\r\n']] as const) {
    for (const size of [1, 100_000]) {
      const chunks = inChunksOf(repeated('\n', 100_000), size)
      const looked = scan(terminator, chunks, 'whole').bytesLookedAt
      t.ok(looked <= bound(terminator, 100_000, chunks.length), `${looked}`)
    }
  }
})

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** How often memory is measured: out of step with whatever sizes a buffer grows by. */
const SAMPLE_BYTES = 150_001

/** Memory in use after a collection. A second one waits for what the first frees in the background. */
function memoryInUse(): number {
  collectGarbage()
  collectGarbage()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

t.test('FrameScanner: a frame of 4 MiB in 1-byte chunks holds at most three times its bytes', async (t) => {
  const chunk = Uint8Array.of(97)
  const cases: readonly (readonly [Terminator, isEager: boolean, length: number])[] = [
    ['\r\n', true, 4 * MIB],
    ['\r\n', false, MIB],
    [['\n', '\0\0'], true, MIB],
    [5 * MIB, true, MIB],
  ]
  for (const [terminator, isEager, length] of cases) {
    const scanner = new FrameScanner({ terminator, maxFrameLength: Infinity })
    const before = memoryInUse()
    let worst = 0
    for (let written = 1; written <= length; written += 1) {
      scanner.write(chunk)
      if (isEager) scanner.read()
      if (written % SAMPLE_BYTES === 0 && written > 2 * SAMPLE_BYTES) worst = Math.max(worst, (memoryInUse() - before) / written)
    }
    t.ok(worst <= 3, `${JSON.stringify(terminator)}: ${worst.toFixed(2)} bytes a byte`)
    const frame = scanner.takeUnread()
    t.equal(frame.length, length)
    t.ok((memoryInUse() - before) / frame.length <= 3, 'and when it is delivered')
  }
})

t.test('FrameScanner: a few held bytes do not keep their large chunk alive', async (t) => {
  for (const held of [99, 5000, 20_000]) {
    const before = memoryInUse()
    const scanners: FrameScanner[] = []
    for (let count = 0; count < 100; count += 1) {
      const scanner = new FrameScanner({ terminator: '\n' })
      const chunk = new Uint8Array(64 * KIB).fill(97)
      chunk[chunk.length - held - 1] = 10
      scanner.write(chunk)
      const frame = scanner.read()
      if (frame?.length !== chunk.length - held - 1 || scanner.read() !== null) t.fail('not that frame')
      scanners.push(scanner)
    }
    const each = (memoryInUse() - before) / scanners.length
    t.ok(each < 3 * held + 8 * KIB, `${Math.round(each)} bytes for ${held} held ones`)
  }
})

t.test('FrameScanner: what was delivered is not held', async (t) => {
  const scanner = new FrameScanner({ terminator: '\n' })
  const before = memoryInUse()
  for (let count = 0; count < 300; count += 1) {
    scanner.write(repeated(`${'a'.repeat(1000)}\n`, 64 * KIB))
    while (scanner.read() !== null);
  }
  t.ok(memoryInUse() - before < 4 * MIB)
  t.ok(scanner.bufferedLength <= 1001)
})
