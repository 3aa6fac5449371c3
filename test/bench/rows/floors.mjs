// Floors: a measured value beside the one that is wanted.
import { bestOf, times } from '../report.mjs'

const bestMsOf = (entries, name) => entries.find((entry) => entry.contender.name === name)?.bestMs ?? Number.NaN

/** `ours` is at least `least` times as fast as `other`; nothing to say where that one did not run. */
export function ratioToNamed(what, entries, ours, other, least) {
  const ratio = bestMsOf(entries, other) / bestMsOf(entries, ours)
  return Number.isFinite(ratio) ? [{ what, value: times(ratio), want: `>= ${times(least)}`, holds: ratio >= least }] : []
}

/** `ours` is faster than every peer that splits bytes; nothing to say where none ran. */
export function fasterThanBytePeers(what, entries, ours) {
  const ratio = bestOf(entries, 'bytes') / bestMsOf(entries, ours)
  return Number.isNaN(ratio) ? [] : [{ what, value: times(ratio), want: '> 1.00x', holds: ratio > 1 }]
}

/** `ours` takes at most `most` times as long as `other`. */
export function costAgainst(what, entries, ours, other, most) {
  const ratio = bestMsOf(entries, ours) / bestMsOf(entries, other)
  return { what, value: times(ratio), want: `<= ${times(most)}`, holds: ratio <= most }
}
