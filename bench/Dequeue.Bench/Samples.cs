using System.Globalization;

namespace Dequeue.Bench;

/// <summary>Repeated measurements of one thing, in milliseconds.</summary>
internal sealed class Samples
{
    private readonly List<double> _values = [];

    public void Add(double milliseconds) => _values.Add(milliseconds);

    public double Median
    {
        get
        {
            var sorted = _values.Order().ToList();
            return sorted.Count % 2 == 1 ? sorted[sorted.Count / 2] : (sorted[sorted.Count / 2 - 1] + sorted[sorted.Count / 2]) / 2;
        }
    }

    public override string ToString()
        => string.Create(CultureInfo.InvariantCulture, $"{Median:0.0} ms ({_values.Min():0.0} … {_values.Max():0.0})");
}
