/** The door of what the server tells about itself: numbers with few, fixed labels; never a name, an id or a value of a caller. */
export { Counter, Gauge, Histogram, Metrics } from './metrics.ts';
