import t from 'tap'
import * as checks from '../../src/framing/checks.js'

interface Row {
  readonly check: (value: any) => unknown
  readonly takes: readonly unknown[]
  /** Values that are of a wrong type, or a right one out of range. */
  readonly refuses: readonly (readonly [value: unknown, code: 'ERR_INVALID_ARG_TYPE' | 'ERR_OUT_OF_RANGE'])[]
  readonly wanted: string
}

const TYPE = 'ERR_INVALID_ARG_TYPE'
const RANGE = 'ERR_OUT_OF_RANGE'
const MAX_COUNT = Number.MAX_SAFE_INTEGER
const notPositive = [0, -1, 1.5, Number.NaN, -Infinity, MAX_COUNT + 1].map((value) => [value, RANGE] as const)

const rows: Readonly<Record<string, Row>> = {
  checkOneOf: {
    check: (value) => checks.checkOneOf('options.x', value, ['one', 'two']),
    takes: ['one', 'two'],
    refuses: [['three', TYPE], ['', TYPE], [undefined, TYPE], [['one'], TYPE]],
    wanted: "one of 'one', 'two'",
  },
  checkBoolean: {
    check: (value) => checks.checkBoolean('options.x', value),
    takes: [true, false],
    refuses: [[1, TYPE], ['true', TYPE], [null, TYPE], [undefined, TYPE]],
    wanted: 'a boolean',
  },
  checkFunction: {
    check: (value) => checks.checkFunction('options.x', value),
    takes: [Math.max, Map],
    refuses: [[{}, TYPE], [null, TYPE], ['call', TYPE]],
    wanted: 'a function',
  },
  checkLimit: {
    check: (value) => checks.checkLimit('options.x', value),
    takes: [1, MAX_COUNT, Infinity],
    refuses: [['1', TYPE], [1n, TYPE], [null, TYPE], ...notPositive],
    wanted: 'a positive integer or Infinity',
  },
  checkCount: {
    check: (value) => checks.checkCount('options.x', value),
    takes: [1, MAX_COUNT],
    refuses: [['1', TYPE], [undefined, TYPE], [Infinity, RANGE], ...notPositive],
    wanted: 'a positive integer',
  },
  checkInteger: {
    check: (value) => checks.checkInteger('options.x', value, -1, 8),
    takes: [-1, 0, 8],
    refuses: [['1', TYPE], [1n, TYPE], [undefined, TYPE], [-2, RANGE], [9, RANGE], [0.5, RANGE], [Number.NaN, RANGE], [Infinity, RANGE]],
    wanted: 'an integer from -1 to 8',
  },
  checkTimeout: {
    check: (value) => checks.checkTimeout('options.x', value),
    takes: [0, 0.5, 2 ** 31 - 1],
    refuses: [['1', TYPE], [-1, RANGE], [Number.NaN, RANGE], [Infinity, RANGE], [2 ** 31, RANGE]],
    wanted: 'a number of milliseconds',
  },
  checkOptions: {
    check: (value) => checks.checkOptions('options.x', value),
    takes: [{}, Object.create(null)],
    refuses: [[null, TYPE], [[], TYPE], ['{}', TYPE], [Math.max, TYPE]],
    wanted: 'an object',
  },
  checkBytes: {
    check: (value) => checks.checkBytes('options.x', value),
    takes: [new Uint8Array(2), Buffer.alloc(0)],
    refuses: [['bytes', TYPE], [[1], TYPE], [new ArrayBuffer(1), TYPE], [Uint16Array.of(1), TYPE]],
    wanted: 'a Uint8Array',
  },
}

for (const [name, { check, takes, refuses, wanted }] of Object.entries(rows)) {
  t.test(`${name}: gives back what it takes`, async (t) => {
    for (const value of takes) t.equal(check(value), value)
  })

  t.test(`${name}: throws an error that names the option and what is wanted`, async (t) => {
    for (const [value, code] of refuses) {
      const constructor = code === TYPE ? TypeError : RangeError
      const message = new RegExp(`^The "options\\.x" property must be ${wanted}.*\\. Received `)
      t.throws(() => check(value), { constructor, code, message })
    }
  })
}

t.test('checks: has a table row for each check', async (t) => {
  t.same(Object.keys(rows).toSorted(), Object.keys(checks).toSorted())
})
