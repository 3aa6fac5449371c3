// What is printed: the setting, one table a row, and the floors at the end.
import { createRequire } from 'node:module'
import { cpus, loadavg } from 'node:os'
import { CHUNK_BYTES } from './inputs.mjs'

const requireFromRoot = createRequire(new URL('../../package.json', import.meta.url))

/** Prints rows of cells, the first column to the left, the others to the right. */
export function printTable(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)))
  for (const row of rows) {
    const cells = row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])))
    console.log(`  ${cells.join('  ').trimEnd()}`)
  }
}

export function printSetting(options) {
  const streams = process.env['READABLE_STREAM'] === 'disable'
    ? 'native (READABLE_STREAM=disable)'
    : `readable-stream ${requireFromRoot('readable-stream/package.json').version}`
  const load = loadavg().map((value) => value.toFixed(1)).join(' ')
  console.log(`Node ${process.version}, ${cpus().length} x ${cpus()[0].model.trim()}, load ${load}`)
  console.log(`Streams of asynchat: ${streams}`)
  console.log(`Chunks: ${CHUNK_BYTES} bytes with memory of their own, or 1 byte where a row says so`)
  if (options.isQuick) console.log('Quick: frames are checked, times mean nothing')
  if (!options.withPeers) console.log('Without peers: the hand-written loops and asynchat only')
}

/** The least time among the entries of one side, or NaN. */
export function bestOf(entries, side) {
  const times = entries.filter((entry) => entry.contender.side === side).map((entry) => entry.bestMs)
  const best = Math.min(...times)
  return Number.isFinite(best) ? best : Number.NaN
}

/** "1.23x", or "-" when there is nothing to compare with. */
export const times = (ratio) => (Number.isFinite(ratio) ? `${ratio.toFixed(2)}x` : '-')

/** A race's table. Ratios above 1 are faster than what the column names. */
export function printRace(row, input, entries) {
  const { expected, bytes, chunkBytes } = input
  const size = `${(bytes / 2 ** 20).toFixed(2)} MiB, ${expected.count} frames, chunks of ${chunkBytes}`
  console.log(`\n${row.name}: ${row.title} (${size})`)
  const hand = entries.find((entry) => entry.contender.side === 'hand').bestMs
  const peer = bestOf(entries, 'bytes')
  printTable([
    ['contender', 'best ms', 'MB/s', 'ns/frame', 'x hand', 'x byte peer'],
    ...entries.map((entry) => [entry.contender.name, ...raceCells(entry, input, hand, peer)]),
  ])
  for (const entry of entries) {
    if (entry.wrong !== null) console.log(`  WRONG: ${entry.contender.name}: ${entry.wrong}`)
  }
}

function raceCells(entry, { bytes, expected }, hand, peer) {
  if (entry.wrong !== null) return ['WRONG', '', '', '', '']
  if (entry.cutAt !== null) {
    return ['cut off', `at ${((entry.cutAt / bytes) * 100).toFixed(1)}%`, '', '', '']
  }
  const ms = entry.bestMs
  return [
    ms.toFixed(2),
    (bytes / 1000 / ms).toFixed(0),
    ((ms * 1e6) / expected.count).toFixed(1),
    times(hand / ms),
    times(peer / ms),
  ]
}

/** The floors, `{ what, value, want, holds }`, and whether all hold. */
export function printFloors(floors) {
  console.log('\nFloors')
  printTable([
    ['floor', 'measured', 'wanted', ''],
    ...floors.map(({ what, value, want, holds }) => [what, value, want, holds ? 'PASS' : 'below']),
  ])
  return floors.every(({ holds }) => holds)
}
