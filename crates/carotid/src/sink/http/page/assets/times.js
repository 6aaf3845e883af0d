// Times as the reader's clock has them. What was sent stays in `datetime`.

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const minute = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

export function localise(root) {
  const today = new Date().toDateString();
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    const isToday = at.toDateString() === today;
    const exact = time.dataset.form === "hour" ? minute.format(at) : clock.format(at);
    const text = isToday ? exact : `${day.format(at)} ${exact}`;
    if (time.textContent !== text) time.textContent = text;
    time.title = whole.format(at);
  }
}
