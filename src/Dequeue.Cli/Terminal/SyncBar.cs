using System.Globalization;
using Dequeue.Client;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Dequeue.Cli.Terminal;

/// <summary>Shows the progress of a push or a sync: a bar on a terminal, plain lines elsewhere.</summary>
internal static class SyncBar
{
    /// <summary>Columns of a title, so that bars stand below each other.</summary>
    private const int TitleWidth = 22;

    /// <summary>Runs <paramref name="work"/> under a bar.</summary>
    public static Task<T> ShowAsync<T>(IAnsiConsole console, string title, Func<IProgress<SyncProgress>, Task<T>> work)
        => console.Profile.Out.IsTerminal && console.Profile.Capabilities.Interactive ? ShowBarAsync(console, title, work) : work(new Lines(console, title));

    private static Task<T> ShowBarAsync<T>(IAnsiConsole console, string title, Func<IProgress<SyncProgress>, Task<T>> work)
        => console.Progress()
            .AutoRefresh(true)
            .Columns(
                new TitleColumn(),
                new ProgressBarColumn { Width = 24 },
                new PercentageColumn(),
                new CountColumn())
            .StartAsync(async context =>
            {
                var task = context.AddTask(title, maxValue: 1);
                task.IsIndeterminate = true;
                var result = await work(new Bar(task));
                task.Value = task.MaxValue;
                task.StopTask();
                return result;
            });

    private static string Count(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private sealed class Bar(ProgressTask task) : IProgress<SyncProgress>
    {
        public void Report(SyncProgress value)
        {
            task.State.Update<SyncProgress>("progress", _ => value);
            if (value.Total is not { } total) return;
            task.IsIndeterminate = false;
            task.MaxValue = Math.Max(1, total);
            task.Value = total == 0 ? 1 : value.Processed;
        }
    }

    private sealed class TitleColumn : ProgressColumn
    {
        public override int? GetColumnWidth(RenderOptions options) => TitleWidth;

        public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime) => new Text(task.Description);
    }

    private sealed class CountColumn : ProgressColumn
    {
        protected override bool NoWrap => true;

        public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime)
        {
            var progress = task.State.Get<SyncProgress>("progress");
            var count = progress.Total is { } total ? $"{Count(progress.Processed)} of {Counted.Of(total, "event")}" : Counted.Of(progress.Processed, "event");
            var rate = progress.EventsPerSecond > 0 ? $"  {Count((long)progress.EventsPerSecond)}/s" : "";
            var left = !task.IsFinished && task.RemainingTime is { TotalSeconds: >= 1 } time ? $"  {time.TotalSeconds:0} s left" : "";
            return new Markup($"{count}[grey]{rate}{left}[/]");
        }
    }

    private sealed class Lines(IAnsiConsole console, string title) : IProgress<SyncProgress>
    {
        private int _shownTenth = -1;

        public void Report(SyncProgress value)
        {
            if (value.Phase == SyncPhase.Ready) console.WriteLine($"{title}: {Counted.Of(value.Processed, "event")} {(value.Processed == 1 ? "is there that was" : "are there that were")} asked for first");
            if (value.Total is not { } total) return;
            var tenth = total == 0 ? 10 : (int)(value.Processed * 10 / total);
            if (tenth <= _shownTenth) return;
            _shownTenth = tenth;
            console.WriteLine($"{title}: {Count(value.Processed)} of {Counted.Of(total, "event")}");
        }
    }
}
