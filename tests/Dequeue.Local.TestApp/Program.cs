using Dequeue.Local.TestApp;

await TestApp.CreateBuilder(args).Build().RunAsync();
