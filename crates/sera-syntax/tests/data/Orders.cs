using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;

namespace Shop;

public class Orders
{
    private const int MOST = 20;
    private readonly Dictionary<string, int> _stock = new Dictionary<string, int>();
    private readonly object _gate = new object();
    private int _placed;
    private int _refused;

    public Orders(string owner, int limit)
    {
        Owner = owner.Trim();
        Limit = Math.Max(limit, 1);
        _placed = 0;
    }

    public string Owner { get; }

    public int Limit { get; }

    /// <summary>Takes pieces out of the stock.</summary>
    public bool Take(string name, int pieces, bool partly = false)
    {
        var key = name.Trim().ToLowerInvariant();
        if (key.Length == 0 || pieces <= 0)
        {
            return false;
        }
        if (!_stock.TryGetValue(key, out var left))
        {
            _refused++;
            return false;
        }
        if (left < pieces && !partly)
        {
            _refused += 1;
            return false;
        }
        var taken = Math.Min(left, pieces);
        _stock[key] = left - taken;
        _placed++;
        return taken > 0;
    }

    public int Total(int[] prices, double rebate)
    {
        var sum = 0;
        var count = 0;
        foreach (var price in prices)
        {
            if (price < 0)
            {
                continue;
            }
            sum += price;
            count++;
        }
        return count > MOST ? (int)(sum * (1.0 - rebate)) : sum;
    }

    public async Task<string> Load(string path, Func<string, Task<string>> read)
    {
        var text = await read(path);
        if (text == null)
        {
            return string.Empty;
        }
        var lines = text.Split('\n');
        var first = lines.FirstOrDefault()?.Trim() ?? "none";
        return first + lines.Length;
    }

    public int Parse(string text, int fallback)
    {
        try
        {
            var value = int.Parse(text);
            return value * 100;
        }
        catch (FormatException error)
        {
            Console.WriteLine(error.Message);
            return fallback;
        }
    }

    public void Restock(string name, int pieces)
    {
        lock (_gate)
        {
            _stock.TryGetValue(name, out var left);
            _stock[name] = left + pieces;
        }
        Notify(name, urgent: false);
    }

    private void Notify(string name, bool urgent)
    {
        var mark = urgent ? "!" : ".";
        Changed?.Invoke(this, name + mark);
        _placed -= 1;
    }

    public event EventHandler<string> Changed;

    public string Describe(int level)
    {
        string text;
        switch (level)
        {
            case 0:
                text = Owner;
                break;
            case 1:
                text = Owner + "/" + _placed;
                break;
            default:
                text = Owner + "/" + _placed + "/" + _refused;
                break;
        }
        var parts = new List<string> { "a", "b", text };
        parts.Sort();
        return string.Join(",", parts);
    }

    [Pure]
    public string Load(string path, bool strict)
    {
        string text;
        using (var reader = new StreamReader(path))
        {
            text = reader.ReadToEnd();
        }
        if (strict)
        {
            _placed = text.Length;
        }
        else
        {
            _placed = 0;
        }
        Take(text, 1, true);
        return _placed > MOST ? text.Trim() : text;
    }
}
