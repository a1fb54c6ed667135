using Microsoft.Extensions.Options;

namespace Dequeue.Client.Hosting;

/// <summary>Says at the start what is wrong, instead of at the first call.</summary>
internal sealed class OptionsCheck : IValidateOptions<DequeueSyncOptions>
{
    public ValidateOptionsResult Validate(string? name, DequeueSyncOptions options)
    {
        try
        {
            options.ToSyncOptions().Validate();
        }
        catch (Exception wrong) when (wrong is FormatException or ArgumentException)
        {
            return ValidateOptionsResult.Fail(wrong.Message);
        }

        if (!IsInterval(options.FlushInterval) || !IsInterval(options.RestartInterval))
        {
            return ValidateOptionsResult.Fail(
                $"FlushInterval and RestartInterval are longer than nothing, and at most {SyncOptions.LongestTime.Days} days.");
        }

        return string.IsNullOrEmpty(options.Consumer) ? ValidateOptionsResult.Fail("Consumer is a name.") : ValidateOptionsResult.Success;
    }

    private static bool IsInterval(TimeSpan time) => time > TimeSpan.Zero && time <= SyncOptions.LongestTime;
}
