// Memory: what does an unfinished frame hold, when it came one byte at a time?
import { TerminatorSplitter } from '../../../dist/index.js'
import { FrameScanner } from '../../../dist/framing/index.js'
import { collectGarbage } from '../race.mjs'
import { printTable, times } from '../report.mjs'

// Just past a doubling of a growing buffer, half-way, and just before the next.
const SIZES = [1.001, 1.5, 1.999]
const MOST_PER_BYTE = 3

const nextTurn = () => new Promise((resolve) => { setImmediate(resolve) })

async function heldNow() {
  await nextTurn()
  collectGarbage()
  await nextTurn()
  collectGarbage()
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  return { arrayBuffers, heapUsed }
}

const FACES = {
  FrameScanner: () => {
    const core = new FrameScanner({ terminator: '\n', maxFrameLength: Infinity })
    const write = (chunk) => { core.write(chunk); core.read() }
    const finish = () => { core.end(); return core.read().length }
    return { write, finish }
  },
  TerminatorSplitter: () => {
    const stream = new TerminatorSplitter('\n', { maxFrameLength: Infinity })
    let length = 0
    stream.on('data', (frame) => { length += frame.length })
    const finish = async () => {
      stream.end()
      await new Promise((resolve) => { stream.on('end', resolve) })
      return length
    }
    return { write: (chunk) => stream.write(chunk), finish }
  },
}

/** Bytes held per byte of the frame, each chunk a Buffer of its own that its owner lets go. */
async function measureFace(face, bytes) {
  const { write, finish } = FACES[face]()
  await nextTurn()
  const before = await heldNow()
  for (let i = 0; i < bytes; i += 1) {
    const chunk = Buffer.allocUnsafeSlow(1)
    chunk[0] = 97
    write(chunk)
    // A source breathes now and then, and so lets the stream call its write callbacks.
    if ((i & 0x3ff) === 0) await nextTurn()
  }
  const after = await heldNow()
  const length = await finish()
  return {
    inBuffers: (after.arrayBuffers - before.arrayBuffers) / bytes,
    inAll: (after.arrayBuffers + after.heapUsed - before.arrayBuffers - before.heapUsed) / bytes,
    wrong: length === bytes ? 0 : 1,
  }
}

async function measure(options) {
  console.log('\nmemory: held for one unfinished frame in chunks of one byte, per byte of the frame')
  const table = [['face and size', 'in array buffers', 'with the heap']]
  const all = { checked: 0, wrong: 0, floors: [] }
  for (const face of Object.keys(FACES)) {
    let most = 0
    // Once for the code and its feedback, which are heap too.
    await measureFace(face, 4096)
    for (const mib of SIZES) {
      const bytes = options.bytes(mib)
      const { inBuffers, inAll, wrong } = await measureFace(face, bytes)
      table.push([`${face}, ${bytes} bytes${wrong === 0 ? '' : ' WRONG'}`, inBuffers.toFixed(2), inAll.toFixed(2)])
      most = Math.max(most, inBuffers, inAll)
      all.checked += 1
      all.wrong += wrong
    }
    all.floors.push({
      what: `memory in 1-byte chunks, ${face}`,
      value: `${times(most)} its bytes`,
      want: `<= ${times(MOST_PER_BYTE)}`,
      holds: most <= MOST_PER_BYTE,
    })
  }
  printTable(table)
  return all
}

export const memory = { name: 'memory', measure }
