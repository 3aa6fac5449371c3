/** Cases of other toolkits: `test/vectors/framing.json`, whose fields its README describes. */

import { readFileSync } from 'node:fs'
import type { Terminator } from '../../src/framing/index.js'

/** What ends a frame of the framer `switch`. Delimiters and all other bytes are in base64. */
export interface SwitchItem {
  readonly delimiter?: string
  readonly count?: number
  readonly none?: true
  readonly skip?: true
}

/** A case. `Options`: those of its framer, beside the ones that several have. */
export interface Vector<Options = unknown> {
  readonly id: string
  readonly framer: string
  readonly direction?: 'encode'
  readonly rechunk?: 'any' | 'as-given'
  readonly chunks: readonly string[]
  readonly eof: boolean
  readonly options: Options & {
    readonly stripDelimiter?: boolean
    readonly maxFrameLength?: number | null
    readonly terminators?: readonly SwitchItem[]
    readonly cycle?: boolean
    readonly clearAfterFrame?: boolean
  }
  readonly expect: {
    readonly frames: readonly string[]
    readonly error: string | null
    readonly errors?: readonly { readonly name: string; readonly framesBefore: number }[]
    readonly tail: string | null
    readonly errorData?: readonly string[]
    readonly cleared?: readonly string[]
  }
}

/** All cases. `Options`: of the framers that are looked at. */
export function readVectors<Options>(): readonly Vector<Options>[] {
  return JSON.parse(readFileSync(new URL('../../../test/vectors/framing.json', import.meta.url), 'utf8')) as readonly Vector<Options>[]
}

export function bytesIn(base64: string): Uint8Array {
  return Buffer.from(base64, 'base64')
}

/** A character for each byte. */
export function textIn(base64: string): string {
  return Buffer.from(base64, 'base64').toString('latin1')
}

export function terminatorOf({ delimiter, count }: SwitchItem): Terminator {
  return delimiter === undefined ? (count ?? null) : bytesIn(delimiter)
}
