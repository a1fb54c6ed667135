using System.Collections.ObjectModel;
using System.ComponentModel;
using System.Runtime.CompilerServices;
using Dequeue.Client;

namespace Dequeue.Samples.ViewModel;

/// <summary>
/// What a MAUI, Avalonia or WPF page binds to: a progress bar, a line of text, and the newest events. Made on the UI thread, it is
/// changed there alone: <see cref="Progress{T}"/> and <c>await</c> come back to it, and the client works elsewhere.
/// </summary>
public sealed class SyncViewModel(SyncManager sync) : INotifyPropertyChanged
{
    private const int Shown = 20;
    private double _fraction;
    private string _status = "Not synced yet.";

    /// <inheritdoc/>
    public event PropertyChangedEventHandler? PropertyChanged;

    /// <summary>0 to 1, for a progress bar.</summary>
    public double Fraction
    {
        get => _fraction;
        private set => Set(ref _fraction, value);
    }

    /// <summary>A line for people.</summary>
    public string Status
    {
        get => _status;
        private set => Set(ref _status, value);
    }

    /// <summary>The newest events, the last one first.</summary>
    public ObservableCollection<string> Newest { get; } = [];

    /// <summary>A first sync with progress. Being offline is a state, not an error dialog.</summary>
    public async Task PullAsync(CancellationToken cancellationToken)
    {
        try
        {
            var result = await sync.PullAsync(new Progress<SyncProgress>(Show), cancellationToken);
            Fraction = 1;
            Status = result.ToString();
        }
        catch (SyncFailedException e)
        {
            Status = e.Failure.IsTransient ? "Offline. What you do is kept." : e.Failure.Message;
        }
    }

    /// <summary>Follows what all devices do, until the page goes away.</summary>
    public async Task FollowAsync(CancellationToken cancellationToken)
    {
        await foreach (var next in sync.WatchAsync("page", cancellationToken))
        {
            Newest.Insert(0, $"{next.Type} {next.EntityId}");
            if (Newest.Count > Shown) Newest.RemoveAt(Shown);
        }
    }

    private void Show(SyncProgress at)
    {
        Fraction = at.Fraction ?? 0;
        Status = $"{at.Processed:N0} of {at.Total:N0}";
    }

    private void Set<T>(ref T field, T value, [CallerMemberName] string? name = null)
    {
        if (EqualityComparer<T>.Default.Equals(field, value)) return;
        field = value;
        PropertyChanged?.Invoke(this, new PropertyChangedEventArgs(name));
    }
}
