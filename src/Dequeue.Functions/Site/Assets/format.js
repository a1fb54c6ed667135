// Numbers and times for people.

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
const day = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });

export const number = value => whole.format(value);
export const short = value => compact.format(value);
export const dayTime = date => day.format(date);
export const seconds = milliseconds => `${(milliseconds / 1000).toFixed(milliseconds < 9995 ? 2 : 1)} s`;
export const megabytes = bytes => `${(bytes / 1e6).toFixed(bytes < 9.95e6 ? 2 : 1)} MB`;
export const count = (value, one, many = `${one}s`) => `${number(value)} ${value === 1 ? one : many}`;

/** The time of a moment today, or the day of an earlier one. */
export function moment(date) {
  if (Number.isNaN(date.getTime())) return '';
  return date.toDateString() === new Date().toDateString() ? clock.format(date) : day.format(date);
}

export function timeLeft(milliseconds) {
  if (milliseconds < 1000) return '< 1 s';
  const left = Math.ceil(milliseconds / 1000);
  return left < 60 ? `${left} s` : `${Math.floor(left / 60)} min ${left % 60} s`;
}
