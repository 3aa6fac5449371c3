/**
 * The corners of asynchat, and the complaints about it, by their numbers: which test has each, or why there is none.
 *
 * `I`: input; `O`: output; `L`: event loop and sockets; `P`: cost; `B`: complaints of its users, from the trackers of
 * CPython and of the programs built on it. No assertions here: `test/laws/asynchat-rows.test.ts` has them.
 */

/** Where a number is: in a title or a row of this file under `test/`; under another title, if one is given. */
interface Place {
  readonly file: string
  readonly title?: string
}

const words = (text: string): string[] => text.trim().split(/\s+/)
const all = (ids: string, place: Place): Record<string, Place> => Object.fromEntries(words(ids).map((id) => [id, place]))

/** All there are. */
export const ROW_IDS: readonly string[] = words(`
  I01 I02 I03 I04 I05a I05b I05c I06a I06b I06c I06d I07 I10 I11 I12 I13 I14 I15 I16 I17 I18 I19 I20 I21 I23 I24 I25 I25b
  I26 I27 I28 I30 I31 I32 I33 I34 I35 I36 I37 I38 I40 I41 I42 I43 I43b I43c I43d I44 I50 I51 I52 I53 I54 I56 I57 I58 I59
  I59c I60 I61 I61b I62 I63 I63b I63c I70 I71 I73 I80 I81 I82 I83 I95 I96
  O01 O02 O03 O04 O05 O06 O06b O07 O09 O10 O11 O12 O13 O14 O15 O16 O17 O18 O19 O30 O31 O32 O33 O34 O35 O36 O37 O37c O37d
  O38 O39 O41 O42 O44 O45 O46 O47 O48 O50 O52 O52b O53 O54 O55 O56 O57 O58 O60 O61 O70 O71 O72 O80 O90
  L01 L02 L03 L04 L05 L06 L07 L08 L09 L10 L11 L12 L13 L16
  P1 P1b P2 P3 P4
  B1 B2 B3 B4 B5 B6 B7 B8 B9 B10 B11 B12 B13 B14 B15 B16 B17 B18 B19 B20 B21 B22 B23 B24 B25 B26 B27 B28 B29 B30 B31 B32
  B33 B34 B35 B36 B37 B38 B39 B40 B41 B42 B43 B44
`)

export const COVERED_ROWS: Readonly<Record<string, Place>> = {
  ...all(
    `I01 I02 I03 I04 I05a I05b I05c I06a I06b I06c I06d I07 I10 I11 I12 I13 I14 I15 I16 I17 I18 I19 I20 I21 I23 I24 I25
    I25b I26 I27 I28 I30 I31 I32 I33 I34 I35 I36 I37 I38 I40 I41 I42 I43 I43b I43c I43d I44 I50 I51 I52 I53 I54 I56 I57
    I58 I59 I59c I60 I61 I61b I62 I63 I63b I63c I71 I73 I80 I82 I83 I95 I96
    B1 B2 B3 B4 B5 B7 B13 B28 B33 B42`,
    { file: 'laws/asynchat-rows.test.ts' },
  ),
  ...all(
    `I81 O01 O02 O03 O04 O06 O06b O09 O10 O11 O12 O13 O14 O15 O16 O17 O18 O19 O30 O31 O32 O33 O34 O35 O36 O37 O37c O37d
    O38 O39 O41 O42 O44 O45 O46 O47 O48 O50 O52 O52b O53 O54 O55 O56 O57 O58 O60 O61 O70 O71 O72 O80 O90 L12 L16
    B11 B12 B14 B17 B19 B20 B21 B22 B23 B24 B25 B34 B35 B36 B38`,
    { file: 'laws/asynchat-output-rows.test.ts' },
  ),
  ...all(
    `O05 L01 L02 L03 L04 L05 L06 L07 L08 L09 L11 B10 B15 B26 B27 B29 B30 B31 B32 B39 B40 B41`,
    { file: 'laws/asynchat-session-rows.test.ts' },
  ),
  L13: { file: 'laws/asynchat-rows.test.ts', title: 'I80' },
  P1: { file: 'laws/cost.test.ts', title: 'many short frames in one chunk' },
  P1b: { file: 'laws/cost.test.ts', title: 'many short frames in one chunk' },
  P2: { file: 'laws/cost.test.ts', title: 'looks at each byte twice at most' },
  P3: { file: 'laws/cost.test.ts', title: 'looks at each byte twice at most' },
  P4: { file: 'laws/asynchat-output-rows.test.ts' },
  B6: { file: 'asynchat-vectors.test.ts', title: 'sessions of' },
  B8: { file: 'laws/asynchat-parity.test.ts', title: 'TestFifo.test_basic' },
  B9: { file: 'laws/cost.test.ts', title: 'looks at each byte twice at most' },
}

export const MISSING_ROWS: Readonly<Record<string, string>> = {
  I70: 'a BlockingIOError of recv: Node has none',
  O07: 'a bytearray that is changed after push: documented as by reference, nothing is promised of it',
  L10: 'ExitNow, KeyboardInterrupt and SystemExit leave the loop: there are none, and no loop of ours',
  B16: 'threads share a channel: there is one thread',
  B18: 'subclasses of the 2.5 version poke in its internals: all of ours are private',
  B37: 'use_encoding: not taken over; strings are UTF-8',
  B43: 'removed from Python 3.12: no behaviour',
  B44: 'closed without a fix: no behaviour',
}
