// Floors: a measured value beside the one that is wanted.
import { bestOf, times } from '../report.mjs'

const bestMsOf = (entries, name) => entries.find((entry) => entry.contender.name === name).bestMs

/** `ours` takes at most 1/`least` of the time of `other`. */
export function ratioToContender(what, entries, ours, other, least) {
  const ratio = bestMsOf(entries, other) / bestMsOf(entries, ours)
  return { what, value: times(ratio), want: `>= ${times(least)}`, holds: ratio >= least }
}

/** `ours` is faster than every peer that splits bytes; nothing to say where none ran. */
export function fasterThanBytePeers(what, entries, ours) {
  const ratio = bestOf(entries, 'bytes') / bestMsOf(entries, ours)
  return Number.isNaN(ratio) ? [] : [{ what, value: times(ratio), want: '> 1.00x', holds: ratio > 1 }]
}

/** `ours` is at least `least` times as fast as the fastest contender whose name begins with `prefix`. */
export function ratioToFastestNamed(what, entries, ours, prefix, least) {
  const others = entries.filter((entry) => entry.contender.name.startsWith(prefix)).map((entry) => entry.bestMs)
  const ratio = Math.min(...others) / bestMsOf(entries, ours)
  return Number.isFinite(ratio) ? [{ what, value: times(ratio), want: `>= ${times(least)}`, holds: ratio >= least }] : []
}

/** `ours` takes at most `most` times as long as `other`. */
export function costAgainst(what, entries, ours, other, most) {
  const ratio = bestMsOf(entries, ours) / bestMsOf(entries, other)
  return { what, value: times(ratio), want: `<= ${times(most)}`, holds: ratio <= most }
}
