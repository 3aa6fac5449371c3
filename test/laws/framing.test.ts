/**
 * Chunking invariance (P2) and exact switching at the level of the core (P1): for every way of cutting the
 * input and every moment of reading, `FrameScanner` gives what the naive model gives for the whole input.
 *
 * Exhaustive where that is cheap: every input of a few bytes over a small alphabet at every cut, longer ones
 * (12 bytes) at all 2,048 cuts. Random beyond.
 */

import fc from 'fast-check'
import t from 'tap'
import { FrameScanner } from '../../src/framing/index.js'
import type { Overflow, Tail, Terminator } from '../../src/framing/index.js'
import { everyCut, guarded, randomCuts } from '../support/cuts.js'
import { READING_MOMENTS, isAsModelled, lockstep, runScanner, summary } from '../support/drive.js'
import type { Act, Drive } from '../support/drive.js'
import { heldBack, latin1, runModel } from '../support/model.js'
import type { ModelOptions } from '../support/model.js'

interface Subject {
  readonly terminator: Terminator
  /** The letters its inputs are made of. */
  readonly letters: string
  /** Length of the inputs that are all tried. */
  readonly length: number
  /** 12-byte inputs for all 2,048 cuts. */
  readonly long: readonly string[]
}

const SINGLES: readonly Subject[] = [
  { terminator: '\n', letters: 'a\n', length: 6, long: ['a\n\nbc\n\n\ndefg'] },
  { terminator: '\r\n', letters: 'a\r\n', length: 4, long: ['a\r\r\n\n\rb\r\n\r\nc', '\r\nabc\r\nde\r\r\n'] },
  { terminator: 'aab', letters: 'ab', length: 6, long: ['aaabaabbaaaa', 'xaaabyaabaab'] },
  { terminator: 'aba', letters: 'ab', length: 6, long: ['ababababaaba', 'xababaabbaba'] },
  { terminator: 'abab', letters: 'ab', length: 6, long: ['abaababababb', 'aabababababa'] },
  { terminator: 'aa', letters: 'ab', length: 6, long: ['aaabaaaaabaa', 'baaabbaaaaab'] },
  { terminator: '||', letters: 'a|', length: 6, long: ['a|b||||c|||d', '|||a|||||b||'] },
  { terminator: '\r\n\r\n', letters: '\r\n', length: 6, long: ['a\r\n\r\r\n\r\nb\r\n\r', 'ab\r\n\r\n\r\n\r\ncd'] },
  { terminator: 'aaab', letters: 'ab', length: 6, long: ['aaaaaabaabaa', 'aaabaaaabaab'] },
]

const SETS: readonly Subject[] = [
  { terminator: ['\r\n', '\n'], letters: 'a\r\n', length: 4, long: ['a\r\n\nbc\r\r\n\rde'] },
  { terminator: ['\n', '\r\n'], letters: 'a\r\n', length: 4, long: ['a\r\n\nbc\r\r\n\rde'] },
  { terminator: ['b', 'aab'], letters: 'ab', length: 6, long: ['aaabaabbaaaa'] },
  { terminator: ['abab', 'bb'], letters: 'ab', length: 6, long: ['abaabbabababb'.slice(1)] },
  { terminator: ['ab', 'ba'], letters: 'abx', length: 4, long: ['aabxbbaxabax'] },
  { terminator: [',', '||', 'x'], letters: ',|x', length: 4, long: ['a|,b||x|,|||'] },
  { terminator: ['aba', 'bb', 'aaaa'], letters: 'ab', length: 6, long: ['aaabbabaaaab'] },
  { terminator: [...Array.from('ABCDEFGHIJKLMNOPQRST'), 'aab'], letters: 'abA', length: 4, long: ['aaabAxaabBaA'] },
]

const COUNTS: readonly Subject[] = [
  { terminator: 1, letters: 'ab', length: 4, long: ['abcdefghijkl'] },
  { terminator: 2, letters: 'ab', length: 5, long: ['abcdefghijkl'] },
  { terminator: 5, letters: 'ab', length: 6, long: ['abcdefghijkl'] },
  { terminator: 0, letters: 'ab', length: 4, long: ['abcdefghijkl'] },
  { terminator: null, letters: 'ab', length: 4, long: ['abcdefghijkl'] },
]

const RULES: readonly Subject[] = [
  { terminator: { until: 'aab', maxFrameLength: 2 }, letters: 'ab', length: 6, long: ['aaabaabbaaaa'] },
  { terminator: { until: 'aab', maxFrameLength: 2, overflow: 'discard' }, letters: 'ab', length: 6, long: ['aaabbbaabbaa'] },
  { terminator: { until: 'aab', maxFrameLength: 2, overflow: 'truncate' }, letters: 'ab', length: 6, long: ['aaabbbaabbaa'] },
  { terminator: { until: ['\r\n', '\n'], maxFrameLength: 1, overflow: 'truncate' }, letters: 'a\r\n', length: 4, long: ['a\r\n\nbc\r\r\n\rde'] },
  { terminator: { until: 4, maxFrameLength: 3 }, letters: 'ab', length: 5, long: ['abcdefghijkl'] },
  { terminator: { until: 4, maxFrameLength: 3, overflow: 'discard' }, letters: 'ab', length: 6, long: ['abcdefghijkl'] },
  { terminator: { until: 4, maxFrameLength: 3, overflow: 'truncate' }, letters: 'ab', length: 6, long: ['abcdefghijkl'] },
  { terminator: { until: null, maxFrameLength: 1 }, letters: 'ab', length: 4, long: ['abcdefghijkl'] },
]

const OVERFLOWS: readonly Overflow[] = ['error', 'discard', 'truncate']
const TAILS: readonly Tail[] = ['emit', 'error', 'drop']

function* wordsOf(letters: string, length: number): Generator<string> {
  if (length === 0) yield ''
  else for (const word of wordsOf(letters, length - 1)) for (const letter of letters) yield word + letter
}

function bytesOf(word: string): Uint8Array {
  return Uint8Array.from(word, (letter) => letter.charCodeAt(0))
}

type Tap = Pick<typeof t, 'same'>

/** The first cut of `word` at which the scanner and the model part, in words, or null. */
function differenceAt(word: string, script: readonly Terminator[], options: ModelOptions, drive: Drive): string | null {
  const model = runModel(word, script, options, drive)
  for (const chunks of everyCut(bytesOf(word))) {
    const trace = runScanner(chunks, script, options, drive)
    if (!isAsModelled(trace, model)) {
      const given = JSON.stringify({ script, options, drive, chunks: chunks.map(latin1) })
      return `${given}\n  got    ${summary(trace)}\n  wanted ${summary(model)}`
    }
  }
  return null
}

/** Runs `action` without stack traces: they are half the cost of an input that ends in an error. */
function withoutStacks<T>(action: () => T): T {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return action()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

/** How thoroughly a subject is tried. All of them, everywhere, would take minutes. */
interface Plan {
  readonly drives: readonly Drive[]
  /** Take this many letters off the subject's words. */
  readonly shorter?: number
  /** How many of its 12-byte inputs are tried too; with `shorter: Infinity`, they alone. */
  readonly long?: number
}

const EAGER: Drive = { moment: 'eager' }
/** One read, at most, after each chunk: what is left unread meets the next chunk. */
const SLOW: Drive = { reads: [1] }
const LATE: Drive = { moment: 'late' }
const UNFINISHED: Drive = { moment: 'eager', ended: false }
const ALL: readonly Drive[] = [...READING_MOMENTS.map((moment) => ({ moment })), SLOW, UNFINISHED, { moment: 'late', ended: false }]

function inPieces(drives: readonly Drive[], contentOf = 0): Drive[] {
  return drives.map((drive) => ({ ...drive, piecewise: true, contentOf }))
}

/** Asserts that every subject is as the model has it. */
function check(t: Tap, subjects: readonly Subject[], options: ModelOptions, { drives, shorter = 0, long = 0 }: Plan): void {
  for (const { terminator, letters, length, long: longWords } of subjects) {
    const short = shorter === Infinity ? [] : wordsOf(letters, Math.max(0, length - shorter))
    const found: string[] = []
    for (const word of [...short, ...longWords.slice(0, long)]) {
      for (const drive of found.length < 3 ? drives : []) {
        const difference = withoutStacks(() => differenceAt(word, [terminator], options, drive))
        if (difference !== null) found.push(difference)
      }
    }
    t.same(found, [], `${JSON.stringify(terminator)} ${JSON.stringify(options)}`)
  }
}

t.test('FrameScanner: frames do not depend on how the input is cut, nor on when they are read', async (t) => {
  check(t, [...SINGLES, ...SETS, ...COUNTS, ...RULES], {}, { drives: [EAGER] })
  check(t, [...SINGLES, ...SETS, ...COUNTS, ...RULES], {}, { drives: ALL, shorter: 2 })
  check(t, [...SINGLES, ...SETS, ...COUNTS, ...RULES], {}, { drives: [LATE, SLOW], shorter: 1 })
  check(t, [...SINGLES, ...SETS, ...COUNTS], {}, { drives: [EAGER], shorter: Infinity, long: Infinity })
})

t.test('FrameScanner: what does not fit a limit does not depend on how the input is cut', async (t) => {
  for (const overflow of OVERFLOWS) {
    check(t, [...SINGLES, ...SETS, ...COUNTS], { overflow, maxFrameLength: 1 }, { drives: [EAGER] })
    check(t, [...SINGLES, ...SETS, ...COUNTS], { overflow, maxFrameLength: 2 }, { drives: [SLOW, UNFINISHED], shorter: 1 })
    check(t, SINGLES, { overflow, maxFrameLength: 3 }, { drives: [EAGER], shorter: Infinity, long: 1 })
  }
})

t.test('FrameScanner: the end of input does not depend on how the input is cut', async (t) => {
  for (const tail of TAILS) {
    for (const overflow of OVERFLOWS) {
      const options = { overflow, maxFrameLength: 2, tail }
      check(t, [...SINGLES, ...SETS, ...COUNTS], options, { drives: [EAGER], shorter: 1 })
      check(t, [...SINGLES, ...SETS, ...COUNTS], options, { drives: [LATE], shorter: 2 })
    }
  }
})

t.test('FrameScanner: a kept terminator does not depend on how the input is cut', async (t) => {
  const options = { keepTerminator: true, maxFrameLength: 4 }
  check(t, [...SINGLES, ...SETS, ...COUNTS, ...RULES], options, { drives: [EAGER, LATE, UNFINISHED], shorter: 1 })
  check(t, [...SINGLES, ...SETS], options, { drives: [EAGER], shorter: Infinity, long: 1 })
})

t.test('FrameScanner: a count that is not set again gives one frame, and then bytes as they come', async (t) => {
  for (const overflow of OVERFLOWS) {
    check(t, COUNTS, { rearmCount: false, overflow, maxFrameLength: 3 }, { drives: ALL })
  }
})

t.test('FrameScanner: pieces, joined, are the frames of whole-frame reading at every cut', async (t) => {
  const everything = [...SINGLES, ...SETS, ...COUNTS]
  check(t, everything, {}, { drives: inPieces([EAGER]) })
  check(t, everything, {}, { drives: inPieces(ALL), shorter: 2 })
  check(t, everything, {}, { drives: inPieces([SLOW]), shorter: 1 })
  check(t, everything, {}, { drives: inPieces([EAGER]), shorter: Infinity, long: 1 })
  check(t, everything, { keepTerminator: true }, { drives: inPieces([SLOW, LATE, UNFINISHED]), shorter: 1 })
  check(t, COUNTS, { rearmCount: false }, { drives: inPieces(ALL), shorter: 1 })
})

t.test('FrameScanner: in pieces, exactly the limit is delivered before a frame is too long', async (t) => {
  for (const overflow of ['error', 'truncate'] as const) {
    check(t, [...SINGLES, ...SETS], { overflow, maxFrameLength: 1 }, { drives: inPieces([SLOW, LATE, UNFINISHED]), shorter: 1 })
    check(t, [...SINGLES, ...SETS], { overflow, maxFrameLength: 3 }, { drives: inPieces([EAGER]) })
  }
})

t.test('FrameScanner: in pieces, the end of input does not depend on how the input is cut', async (t) => {
  // Which bytes of a cut frame came before the error follows the moment of reading: they are compared joined.
  for (const tail of ['emit', 'error'] as const) {
    check(t, [...SINGLES, ...SETS, ...COUNTS], { tail }, { drives: inPieces([EAGER, SLOW, LATE]), shorter: 1 })
  }
})

t.test('FrameScanner: content in pieces of any length, joined, with the ends apart, are the frames at every cut', async (t) => {
  const everything = [...SINGLES, ...SETS, ...COUNTS]
  for (const contentOf of [1, 2, 3]) {
    const drives = inPieces([SLOW, EAGER, LATE, UNFINISHED], contentOf)
    check(t, everything, {}, { drives: contentOf === 1 ? drives : drives.slice(0, 1), shorter: 2 })
    check(t, COUNTS, { rearmCount: false }, { drives, shorter: 1 })
    check(t, [...SINGLES, ...SETS], { maxFrameLength: 2 }, { drives: drives.slice(0, 1), shorter: 2 })
    check(t, [...SINGLES, ...SETS], { maxFrameLength: 2, overflow: 'truncate' }, { drives: drives.slice(0, 2), shorter: 2 })
    check(t, everything, { tail: 'emit' }, { drives: drives.slice(0, 1), shorter: 2 })
  }
})

/** Rules that discard cannot be read in pieces. */
function hasOverflow(terminator: Terminator): boolean {
  return typeof terminator === 'object' && terminator !== null && 'overflow' in terminator
}

t.test('FrameScanner: a script of terminators rules its frames at every cut', async (t) => {
  const word = 'GET\r\n\r\nab\n;c'
  const scripts: readonly (readonly Terminator[])[] = [
    ['\r\n\r\n', 2, '\n', [';', ','], 1],
    ['\r\n', 0, '\r\n', 1, 1, null],
    [1, '\r\n\r\n', 0, 0, 2, 0, null],
    [[';', '\r\n'], { until: 3, maxFrameLength: 2, overflow: 'discard' }, '\n', null],
    ['T', '\r', '\n', '\r', '\n', 'b', ['\n', ';'], 'c'],
    [3, { until: '\n', maxFrameLength: 1 }, 2],
    ['\r\n\r\n', { until: '\n', maxFrameLength: 1, overflow: 'truncate' }, '\n'],
    [2, null],
    [0, null],
  ]
  for (const script of scripts) {
    const pieces = script.some(hasOverflow) ? [] : inPieces([EAGER, SLOW])
    const runs: readonly (readonly [ModelOptions, readonly Drive[]])[] = [
      [{}, [EAGER, SLOW, LATE, ...pieces]],
      [{ keepTerminator: true }, [SLOW, ...pieces.slice(1)]],
      [{ rearmCount: false }, [EAGER, UNFINISHED]],
    ]
    for (const [options, drives] of runs) {
      for (const drive of drives) {
        const difference = withoutStacks(() => differenceAt(word, script, options, drive))
        t.equal(difference, null, `${JSON.stringify(script)} ${JSON.stringify(options)} ${JSON.stringify(drive)}`)
      }
    }
  }
})

const letters = fc.constantFrom('a', 'a', 'b', '\r', '\n', '|', ';')
const words = fc.oneof(
  fc.string({ unit: letters, maxLength: 60 }),
  fc.array(fc.constantFrom('a', 'aab', 'aba', '\r\n', '\r', '\n', '||', '|', 'aaaab', 'abab', ';', '\r\n\r\n'), { maxLength: 24 }).map((parts) => parts.join('')),
)
const delimiters = fc.constantFrom<Terminator>('\n', '\r\n', 'aab', 'aba', 'abab', 'aa', '||', '\r\n\r\n', 'aaab', Uint8Array.of(97, 13))
const sets = fc.constantFrom<Terminator>([...Array.from('bcdefghijklmnopqrst;'), '\r\n', '||'], ['\r\n', '\n'], ['b', 'aab'], ['abab', 'bb'], ['ab', 'ba'], [';', '||', '\n'], ['\r\n\r\n', 'aaaa', ';'])
const counts = fc.integer({ min: 1, max: 9 })
const limits = fc.integer({ min: 1, max: 12 })
const rules: fc.Arbitrary<Terminator> = fc.record(
  { until: fc.oneof(delimiters, sets, counts), maxFrameLength: limits, overflow: fc.constantFrom(...OVERFLOWS) },
  { requiredKeys: ['until'] },
) as fc.Arbitrary<Terminator>
const anyTerminator = fc.oneof({ weight: 4, arbitrary: delimiters }, { weight: 2, arbitrary: sets }, { weight: 2, arbitrary: counts }, rules, fc.constantFrom<Terminator>(0, null))
const anyOptions: fc.Arbitrary<ModelOptions> = fc.record(
  {
    maxFrameLength: limits,
    overflow: fc.constantFrom(...OVERFLOWS),
    tail: fc.constantFrom<Tail>('emit', 'error', 'drop'),
    rearmCount: fc.boolean(),
    keepTerminator: fc.boolean(),
  },
  { requiredKeys: [] },
)
const scripts = fc.array(anyTerminator, { minLength: 1, maxLength: 30 })
const schedules: fc.Arbitrary<Act[]> = fc.array(
  fc.record({ writes: fc.integer({ min: 0, max: 4 }), reads: fc.constantFrom(0, 1, 2, Infinity) }),
  { maxLength: 20 },
)
const cutWords = words.chain((word) => randomCuts(bytesOf(word)))

t.test('FrameScanner: does read for read what the model does, for random scripts, cuts and moments', async (t) => {
  await t.resolves(
    fc.assert(
      fc.asyncProperty(cutWords, scripts, anyOptions, schedules, async (chunks, script, options, schedule) => {
        const difference = lockstep(chunks, script, options, schedule)
        if (difference !== null) throw new Error(difference)
      }),
      { numRuns: 8000 },
    ),
  )
})

t.test('FrameScanner: the same chunks, written over and over, are read for read what the model does', async (t) => {
  const pools = fc.array(words.map(bytesOf), { minLength: 1, maxLength: 3 }).chain((pool) => fc.array(fc.constantFrom(...pool), { minLength: 2, maxLength: 8 }))
  await t.resolves(
    fc.assert(
      fc.asyncProperty(pools, scripts, anyOptions, schedules, async (chunks, script, options, schedule) => {
        const difference = lockstep(chunks, script, options, schedule)
        if (difference !== null) throw new Error(difference)
      }),
      { numRuns: 1500 },
    ),
  )
})

t.test('FrameScanner: one terminator over a long input is read for read what the model does', async (t) => {
  await t.resolves(
    fc.assert(
      fc.asyncProperty(cutWords, fc.oneof(delimiters, sets, rules), anyOptions, schedules, async (chunks, terminator, options, schedule) => {
        const difference = lockstep(chunks, [terminator], options, schedule)
        if (difference !== null) throw new Error(difference)
      }),
      { numRuns: 3000 },
    ),
  )
})

t.test('FrameScanner: pieces, joined, are the frames of a random script', async (t) => {
  const terminators = fc.oneof(delimiters, sets, counts, fc.constant<Terminator>(0))
  const moments = fc.array(fc.constantFrom(0, 1, 2, Infinity), { minLength: 1, maxLength: 6 })
  await t.resolves(
    fc.assert(
      fc.asyncProperty(cutWords, fc.array(terminators, { minLength: 1, maxLength: 20 }), fc.boolean(), moments, fc.boolean(), fc.nat({ max: 4 }), async (chunks, script, keeps, reads, ended, contentOf) => {
        // The end apart is an empty piece: it keeps no terminator.
        const keepTerminator = keeps && contentOf === 0
        const drive = { piecewise: true, reads, ended, contentOf }
        const word = chunks.map(latin1).join('')
        const model = runModel(word, script, { keepTerminator, tail: 'emit' }, drive)
        const trace = runScanner(chunks, script, { keepTerminator, tail: 'emit' }, drive)
        if (!isAsModelled(trace, model)) throw new Error(`got ${summary(trace)}, wanted ${summary(model)}`)
      }),
      { numRuns: 3000 },
    ),
  )
})

t.test('FrameScanner: delivered bytes, delimiters and taken bytes are all that was written, at any moment', async (t) => {
  const moments = fc.array(fc.record({ reads: fc.nat({ max: 4 }), take: fc.boolean() }), { minLength: 1, maxLength: 40 })
  const terminators = fc.array(fc.oneof(delimiters, sets, counts, fc.constantFrom<Terminator>(null)), { minLength: 1, maxLength: 20 })
  await t.resolves(
    fc.assert(
      fc.asyncProperty(cutWords, terminators, moments, fc.boolean(), async (chunks, script, acts, piecewise) => {
        const scanner = new FrameScanner({ terminator: script[0] as Terminator, keepTerminator: true, tail: 'emit' })
        let written = ''
        let given = ''
        let index = 0
        const take = (): void => {
          given += latin1(scanner.takeUnread())
          if (given !== written) throw new Error(`after takeUnread: got ${JSON.stringify(given)} of ${JSON.stringify(written)}`)
          if (scanner.bufferedLength !== 0) throw new Error(`takeUnread left ${scanner.bufferedLength} bytes`)
        }
        for (const [at, chunk] of chunks.entries()) {
          const { reads, take: takes } = acts[at % acts.length] as { reads: number; take: boolean }
          scanner.write(chunk)
          written += latin1(chunk)
          for (let count = 0; count < reads; count += 1) {
            const data = piecewise ? scanner.readPiece() : scanner.read()
            if (data === null) break
            if (latin1(data) !== '' && scanner.offset > given.length) throw new Error('the offset ran ahead')
            given += latin1(data)
            if (scanner.ending !== null) scanner.setTerminator(script[(index += 1) % script.length] as Terminator)
          }
          if (written.length - given.length !== scanner.bufferedLength) {
            throw new Error(`bufferedLength is ${scanner.bufferedLength}, ${written.length - given.length} bytes are there`)
          }
          if (takes) take()
        }
        take()
      }),
      { numRuns: 3000 },
    ),
  )
})

t.test('FrameScanner: without the kept terminator, exactly the delimiters are missing from what is delivered and taken', async (t) => {
  await t.resolves(
    fc.assert(
      fc.asyncProperty(cutWords, fc.array(delimiters, { minLength: 1, maxLength: 10 }), fc.nat({ max: 60 }), async (chunks, script, stopAfter) => {
        const scanner = new FrameScanner({ terminator: script[0] as Terminator })
        const word = chunks.map(latin1).join('')
        let given = ''
        let index = 0
        for (const chunk of chunks.slice(0, stopAfter)) {
          scanner.write(chunk)
          for (let data = scanner.read(); data !== null; data = scanner.read()) {
            const delimiter = script[index % script.length] as string | Uint8Array
            given += latin1(data) + (typeof delimiter === 'string' ? delimiter : latin1(delimiter))
            scanner.setTerminator(script[(index += 1) % script.length] as Terminator)
          }
        }
        for (const chunk of chunks.slice(stopAfter)) scanner.write(chunk)
        given += latin1(scanner.takeUnread())
        if (given !== word) throw new Error(`got ${JSON.stringify(given)} of ${JSON.stringify(word)}`)
      }),
      { numRuns: 1500 },
    ),
  )
})

t.test('FrameScanner: with discards too, all that was written is accounted for, at any moment', async (t) => {
  const acts = fc.array(fc.record({ reads: fc.nat({ max: 3 }), take: fc.boolean() }), { minLength: 1, maxLength: 20 })
  await t.resolves(
    fc.assert(
      fc.asyncProperty(cutWords, fc.constantFrom('\n', '\r\n', 'aab', 'abab', '||'), limits, acts, async (chunks, terminator, maxFrameLength, moments) => {
        let accounted = 0
        let written = 0
        const scanner = new FrameScanner({ terminator, maxFrameLength, overflow: 'discard', onOverflow: (length) => (accounted += length + terminator.length) })
        const read = (): boolean => {
          const frame = scanner.read()
          if (frame !== null) accounted += frame.length + terminator.length
          return frame !== null
        }
        const take = (): void => {
          accounted += scanner.takeUnread().length
          if (scanner.bufferedLength !== 0) throw new Error(`takeUnread left ${scanner.bufferedLength} bytes`)
          const told = accounted
          // A discard that was under way is told of now, and had no delimiter.
          if (read()) throw new Error('a frame came of nothing')
          if (accounted !== told) accounted -= terminator.length
          if (accounted !== written) throw new Error(`${accounted} bytes are accounted for, ${written} were written`)
        }
        for (const [index, chunk] of chunks.entries()) {
          const { reads, take: takes } = moments[index % moments.length] as { reads: number; take: boolean }
          scanner.write(chunk)
          written += chunk.length
          for (let count = 0; count < reads && read(); count += 1);
          if (takes) take()
        }
        take()
      }),
      { numRuns: 3000 },
    ),
  )
})

t.test('FrameScanner: in pieces, what is held back is only what a delimiter may begin with', async (t) => {
  await t.resolves(
    fc.assert(
      fc.asyncProperty(cutWords, delimiters, async (chunks, terminator) => {
        const delimiter = typeof terminator === 'string' ? terminator : latin1(terminator as Uint8Array)
        const scanner = new FrameScanner({ terminator })
        let frame = ''
        for (const chunk of chunks) {
          scanner.write(chunk)
          frame += latin1(chunk)
          for (let piece = scanner.readPiece(); piece !== null; piece = scanner.readPiece()) {
            const consumed = latin1(piece) + (scanner.ending === null ? '' : delimiter)
            if (!frame.startsWith(consumed)) throw new Error(`${JSON.stringify(consumed)} is not what ${JSON.stringify(frame)} begins with`)
            frame = frame.slice(consumed.length)
          }
          if (frame !== frame.slice(frame.length - heldBack(frame, [delimiter]))) throw new Error(`${JSON.stringify(frame)} is held back`)
        }
      }),
      { numRuns: 1500 },
    ),
  )
})

t.test('FrameScanner: a chunk is neither changed nor kept in sight of its neighbours', async (t) => {
  const chunk = guarded(bytesOf('a\nbb\n\nccc'))
  const before = Buffer.from(chunk.buffer.slice(0))
  const scanner = new FrameScanner({ terminator: '\n' })
  scanner.write(chunk)
  while (scanner.read() !== null);
  scanner.write(bytesOf('ddd\n'))
  t.equal(latin1(scanner.read() as Uint8Array), 'cccddd')
  t.same(Buffer.from(chunk.buffer), before)
})
