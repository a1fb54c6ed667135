using System.Text.Json;

namespace Dequeue.FunctionsHost.Timers;

/// <summary>The state of schedules, one small file each, so that a run missed while the host was down is known.</summary>
internal sealed class TimerMonitor(string folder)
{
    /// <summary>The state of a schedule; null if there is none, or it is of another schedule.</summary>
    public ScheduleStatus? Read(string function, string schedule)
    {
        try
        {
            var stored = JsonSerializer.Deserialize<Stored>(File.ReadAllBytes(PathOf(function)));
            return stored?.Schedule == schedule ? stored.Status : null;
        }
        catch (Exception exception) when (exception is IOException or JsonException)
        {
            return null;
        }
    }

    public void Write(string function, string schedule, ScheduleStatus status)
    {
        Directory.CreateDirectory(folder);
        var path = PathOf(function);
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var file = new FileStream(path + ".new", options)) JsonSerializer.Serialize(file, new Stored(schedule, status));
        File.Move(path + ".new", path, overwrite: true);
    }

    private string PathOf(string function) => Path.Combine(folder, function + ".json");

    private sealed record Stored(string Schedule, ScheduleStatus Status);
}
