using Dequeue.Functions;
using Dequeue.Functions.Configuration;

try
{
    await SyncBackend.CreateBuilder(args).Build().RunAsync();
    return 0;
}
catch (SettingsException wrong)
{
    // The Functions host shows a line of a worker that ends only if it says "error".
    await Console.Error.WriteLineAsync("Error: " + wrong.Message);
    return 1;
}
