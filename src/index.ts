export {
  FrameScanner,
  type FrameScannerOptions,
  FramingError,
  type Boundary,
  type Delimiter,
  type Ending,
  type FrameRule,
  type FramingErrorCode,
  type FramingErrorDetails,
  type Overflow,
  type Tail,
  type Terminator,
} from './framing/index.js'
export { TerminatorSplitter } from './streams/terminator-splitter.js'
export type { FrameIterator } from './streams/frame-iterator.js'
export type { FrameDetails, FrameOf, FramePiece, TerminatorSplitterOptions } from './streams/splitter-options.js'
