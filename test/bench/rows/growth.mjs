// Growth: does the time for one frame grow like its bytes, whatever the chunking and delimiter?
import { loopOverLf } from '../contenders/hand-written.mjs'
import { scan, splitter } from '../contenders/ours.mjs'
import { FrameScanner } from '../../../dist/framing/index.js'
import { Budget, keep } from '../feed.mjs'
import { longFrame, longFrameByteByByte } from '../inputs.mjs'
import { collectGarbage } from '../race.mjs'
import { printTable, times } from '../report.mjs'
import { ByteTally } from '../tally.mjs'

function single(name, delimiter, filler, faces = ['scanner', 'splitter']) {
  return { name, terminator: delimiter, delimiter, filler, faces, looks: 2 }
}

// `looks`: positions looked at per input byte, at most; a set counts each pass of the native search.
const CASES = [
  single('LF', '\n', 'a line that goes on and on; ', ['hand', 'scanner', 'splitter']),
  single('CRLF', '\r\n', 'bare\nfeeds, \rbare returns '),
  single('aaaaaaaaaaaaaaab', 'aaaaaaaaaaaaaaab', 'a'),
  {
    name: 'set of four',
    terminator: ['\r\n.\r\n', '</end>', 'aaaab', '--\0'],
    delimiter: '</end>',
    filler: 'aaab </enb> -\0 \r\n> ',
    looks: 5,
    faces: ['scanner', 'splitter'],
  },
]
const CHUNKINGS = [
  { name: '1-byte chunks', make: longFrameByteByByte, sizes: [2, 4, 8, 16], rounds: 1 },
  { name: '64 KiB chunks', make: longFrame, sizes: [8, 16, 32, 64], rounds: 7 },
]
// A rescan makes it 4. The median of the doublings is judged: it excuses the one jump where the
// allocator begins to give fresh pages, which the hand-written loop shows too.
const MOST_PER_DOUBLING = 2.5
const WARM_UP_BYTES = 100_000
const UNLIMITED = { maxFrameLength: Infinity }

/** One run; resolves to the positions looked at, from the face that counts them. */
const FACES = {
  scanner: ({ terminator }, input, tally) => {
    const core = keep(new FrameScanner({ terminator, ...UNLIMITED }))
    scan(core, input, tally)
    return core.bytesLookedAt
  },
  splitter: async ({ terminator }, input, tally) => {
    await splitter('', terminator, UNLIMITED).run(input, tally, new Budget(Infinity, input.chunkBytes))
    return null
  },
  // Linear by construction: what page faults and collections make of that on this machine.
  hand: (_, input, tally) => {
    loopOverLf().run(input, tally)
    return null
  },
}

/** The best time per size, and the positions looked at in the largest. */
async function measureLine(which, chunking, face, options) {
  const inputs = chunking.sizes.map((mib) => chunking.make(options.bytes(mib), which.filler, which.delimiter))
  const best = inputs.map(() => Infinity)
  const line = { which, face, best, largest: inputs.at(-1), lookedAt: null, wrong: 0 }
  if (!options.isQuick) {
    await FACES[face](which, chunking.make(WARM_UP_BYTES, which.filler, which.delimiter), new ByteTally())
  }
  for (let round = options.rounds(chunking.rounds); round > 0; round -= 1) {
    for (const [index, input] of inputs.entries()) {
      const tally = keep(new ByteTally())
      collectGarbage()
      const start = performance.now()
      line.lookedAt = await FACES[face](which, input, tally)
      best[index] = Math.min(best[index], performance.now() - start)
      if (!tally.agreesWith(input.expected)) line.wrong = 1
    }
  }
  line.doublings = best.slice(1).map((ms, index) => ms / best[index])
  line.perDoubling = line.doublings.toSorted((a, b) => a - b)[line.doublings.length >> 1]
  return line
}

function cellsOf({ which, face, best, doublings, largest, lookedAt, wrong }) {
  return [
    `${which.name}, ${face}${wrong === 0 ? '' : ' WRONG'}`,
    ...best.map((ms) => ms.toFixed(1)),
    ...doublings.map(times),
    lookedAt === null ? '' : (lookedAt / largest.bytes).toFixed(3),
  ]
}

/** The positions looked at, as a part of the most that is promised. */
function lookShare({ which, lookedAt, largest }) {
  const longest = Math.max(...[which.terminator].flat().map((delimiter) => delimiter.length))
  return lookedAt / (which.looks * largest.bytes + longest * largest.length)
}

/** The worst line of each kind against its floor. */
function floorsOf(chunking, lines) {
  const ours = lines.filter((line) => line.face !== 'hand')
  const worst = ours.reduce((a, b) => (b.perDoubling > a.perDoubling ? b : a))
  const counted = lines.filter((line) => line.lookedAt !== null)
  const busiest = counted.reduce((a, b) => (lookShare(b) > lookShare(a) ? b : a))
  return [
    {
      what: `growth in ${chunking.name}, worst: ${worst.which.name}, ${worst.face}`,
      value: `${times(worst.perDoubling)} a doubling`,
      want: `<= ${times(MOST_PER_DOUBLING)}`,
      holds: worst.perDoubling <= MOST_PER_DOUBLING,
    },
    {
      what: `positions looked at in ${chunking.name}, worst: ${busiest.which.name}`,
      value: `${(lookShare(busiest) * 100).toFixed(1)}% of the bound`,
      want: '<= 100%',
      holds: lookShare(busiest) <= 1,
      isCounted: true,
    },
  ]
}

async function measure(options) {
  const all = { checked: 0, wrong: 0, floors: [] }
  for (const chunking of CHUNKINGS) {
    console.log(`\ngrowth: one frame in ${chunking.name}: best ms by size, and the ratio of each doubling`)
    const sizes = chunking.sizes.map((mib) => `${(options.bytes(mib) / 2 ** 20).toFixed(2)} MiB`)
    const lines = []
    for (const which of CASES) {
      for (const face of which.faces) lines.push(await measureLine(which, chunking, face, options))
    }
    printTable([
      ['delimiter', ...sizes, ...sizes.slice(1).map(() => 'doubling'), 'looked at a byte'],
      ...lines.map(cellsOf),
    ])
    all.checked += lines.length
    all.wrong += lines.reduce((sum, line) => sum + line.wrong, 0)
    all.floors.push(...floorsOf(chunking, lines))
  }
  return all
}

export const growth = { name: 'growth', measure }
